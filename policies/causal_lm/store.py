"""A causal LM's model folder: what it was made from, its tokenizer, its adapters, and the base where that was made here.

causal_lm.json        base model, reach, memory, novelty, how the critic reads (see `Plain`)
tokenizer/            with its chat template
base/                 weights, only of a base that was trained from nothing
adapters/policy/      LoRA of the policy, unless the base is the policy
adapters/critic/      LoRA of the critic, once there is one
server.json           where a server runs it, where one does (see `policies.remote`)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from policies import novelty
from policies.bundle import SERVER
from policies.candidates import Memory
from policies.causal_lm.critic import CausalCritic
from policies.causal_lm.language import INSTRUCTIONS, Language, load_language
from policies.causal_lm.policy import CausalPolicy, Reach
from policies.causal_lm.scoring import Role, Scorer
from policies.errors import ModelError
from schema_extraction.view import Frozen

PLAIN, TOKENIZER, BASE, ADAPTERS = "causal_lm.json", "tokenizer", "base", "adapters"


class Plain(Frozen):
    """`base`: folder or hub id, empty where it lies in `base/`. `tokenizer`: digest of its vocabulary and template. `shared`:
    the critic goes on from what the policy read; None where there is no critic."""

    base: str = ""
    instructions: str = INSTRUCTIONS
    tokenizer: str = ""
    reach: Reach = Reach()
    memory: Memory = Memory()
    novelty: dict[str, Any] = {}
    shared: bool | None = None


@dataclass(frozen=True)
class Loaded:
    """A causal LM that was loaded, in this process or on a server."""

    policy: CausalPolicy
    critic: CausalCritic | None
    plain: Plain


def read_plain(folder: Path) -> Plain:
    """What a causal LM's folder says it is.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        return Plain.model_validate_json((folder / PLAIN).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise ModelError(f"Model {str(folder)!r} is damaged: {PLAIN} cannot be read. Train it again.") from error


def write_plain(folder: Path, plain: Plain) -> None:
    text = plain.model_dump(mode="json")
    text["memory"]["used"] = sorted(text["memory"]["used"])
    (folder / PLAIN).write_text(json.dumps(text, ensure_ascii=False), encoding="utf-8")


def load(folder: Path) -> Loaded:
    """Load a model folder: onto the accelerator where there is one, or onto the server that `server.json` names.

    Raises:
        ModelError: the base is missing, or base, tokenizer and adapters do not fit one another.
        ServerError: the server does not answer, or runs another model.
    """
    from policies.remote.server import read_server, scorer_at

    plain = read_plain(folder)
    language = read_language(folder, plain)
    scorer: Scorer
    if (folder / SERVER).is_file():
        scorer = scorer_at(read_server(folder), language)
    else:
        scorer = engine(folder, plain, language)
    known = novelty.from_json(plain.novelty)
    policy = CausalPolicy(scorer, language, plain.memory, known, plain.reach)
    return Loaded(policy, CausalCritic(policy, plain.shared) if plain.shared is not None else None, plain)


def read_language(folder: Path, plain: Plain) -> Language:
    """The tokenizer of a model folder.

    Raises:
        ModelError: it is not the one that the model was trained with.
    """
    language = load_language(folder / TOKENIZER, plain.instructions)
    if language.digest != plain.tokenizer:
        raise ModelError(
            f"Model {str(folder)!r} was trained with tokenizer {plain.tokenizer[:12]}, met {language.digest[:12]}. "
            "Put the tokenizer back that it was trained with, or train it again."
        )
    return language


def engine(folder: Path, plain: Plain, language: Language) -> Scorer:
    """The model in this process, its adapters loaded and its answers checked once."""
    from policies.causal_lm.batching import Batching
    from policies.causal_lm.engine import Engine

    model = load_base(str(folder / BASE) if not plain.base else plain.base, language)
    if plain.base and load_language(plain.base, plain.instructions).digest != language.digest:
        raise ModelError(
            f"Base {plain.base!r} has another tokenizer or chat template by now than model {str(folder)!r} was trained with. "
            "Give the base it was trained with, or train it again."
        )
    roles: dict[Role, str | None] = {"policy": None}
    for role in _ROLES:
        where = folder / ADAPTERS / role
        if where.is_dir():
            model = add_adapter(model, where, role)
            roles[role] = role
    made = Engine(model, roles)
    made.activate("policy")
    made.check(language.encode("The first answers of a model are compared with those that it gives on another way.\n" * 2))
    return Batching(made)


_ROLES: tuple[Role, ...] = ("policy", "critic")


def load_base(base: str, language: Language) -> Any:
    """The weights of a base model, on the accelerator (bfloat16) where there is one, else on the processor (float32).

    Raises:
        ModelError: there are none, or they are not for this tokenizer.
    """
    import torch
    from transformers import AutoModelForCausalLM

    gpu = torch.cuda.is_available()
    try:
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16 if gpu else torch.float32)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else error.__class__.__name__
        raise ModelError(f"Expected a causal language model at {base!r}, met: {reason} Give a folder or a hub id.") from error
    size, words = model.get_input_embeddings().num_embeddings, max(language.tokenizer.get_vocab().values()) + 1
    if words > size:
        raise ModelError(
            f"Expected a tokenizer of at most {size} tokens for {base!r}, met one of {words}: it belongs to another model. "
            "Put tokenizer and weights of the same model into one folder."
        )
    return model.to("cuda") if gpu else model


def add_adapter(model: Any, where: Path, name: str) -> Any:
    """The model with one more adapter.

    Raises:
        ModelError: the adapter is for another base.
    """
    from peft import PeftModel

    try:
        if hasattr(model, "peft_config"):
            model.load_adapter(str(where), adapter_name=name)
            return model
        return PeftModel.from_pretrained(model, str(where), adapter_name=name)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ModelError(
            f"Adapter {str(where)!r} does not fit its base ({error.__class__.__name__}). Give the base it was trained on."
        ) from error

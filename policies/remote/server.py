"""A model folder's server: where it is, under which names it runs policy and critic, and whether it runs what the folder
holds."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr, ValidationError

from policies.bundle import CAUSAL_LM, SERVER, changed, read_meta
from policies.causal_lm.errors import ServerError
from policies.causal_lm.language import Language, Tokens
from policies.causal_lm.scoring import Answers, Question, Role, Written
from policies.causal_lm.trie import Fork
from policies.errors import ModelError
from policies.registry.pointer import outside
from policies.remote.completions import ClientSettings, Completions
from schema_extraction.view import Frozen

WIDTH = 8
KNOWN = "The server must read the same tokens as this process, or its answers mean nothing.\n"


class Served(Frozen):
    """`url`: of the protocol's root. `policy`, `critic`: the names under which the server runs them, the critic's empty where
    there is none. `timeout`, `tries`: see `policies.remote.completions`. A key is never stored: CASEPILOT_LM_KEY has it."""

    url: str
    policy: str
    critic: str = ""
    timeout: float = 20.0
    tries: int = 3


class RemoteScorer:
    """Answers questions by a server. Few forks are asked about at a time, best first: each is a prompt to be sent."""

    width = WIDTH

    def __init__(self, client: Completions, names: dict[Role, str], language: Language) -> None:
        self.client = client
        self.names = names
        self.language = language

    def score(self, questions: Sequence[Question]) -> list[Answers]:
        """See `scoring.Scorer`. Safe to call from several threads.

        Raises:
            ServerError: see `policies.remote.completions`.
            ModelError: the server runs no critic, or one that shares the policy's cache, which no server can do.
        """
        answers: dict[int, Answers] = {}
        for role in dict.fromkeys(question.role for question in questions):
            if not self.names.get(role):
                raise ModelError(
                    f"Expected the name under which the server runs the {role}, met none. Give it to `casepilot connect`."
                )
            mine = [i for i, question in enumerate(questions) if question.role == role]
            if any(questions[i].shared for i in mine):
                raise ModelError(
                    "Expected a critic that reads the page itself, met one that goes on from the policy's cache, which no "
                    "server can do. "
                    "Train it again with `casepilot critic --alone`."
                )
            asked = [(i, fork) for i in mine for fork in questions[i].forks]
            rows = self.client.next(
                self.names[role],
                [(*questions[i].prompt, *fork.path) for i, fork in asked],
                [fork.children for _, fork in asked],
                self._name,
            )
            answers |= {i: [] for i in mine}
            for (i, _), row in zip(asked, rows, strict=True):
                answers[i].append(row)
        return [answers[i] for i in range(len(questions))]

    def write(self, prompt: Tokens, most: int, language: Language) -> Written:
        """See `scoring.Scorer`. Safe to call from several threads; asked once.

        Raises:
            ServerError: see `policies.remote.completions`.
        """
        text, whole, logprob = self.client.text(self.names["policy"], prompt, most, language.end)
        return Written(text, whole, math.exp(logprob))

    def _name(self, token: int) -> str:
        return str(self.language.tokenizer.decode([token], skip_special_tokens=False))


def read_server(folder: Path) -> Served:
    """Where a model folder's server is.

    Raises:
        ModelError: `server.json` cannot be read.
    """
    try:
        return Served.model_validate_json((folder / SERVER).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise ModelError(f"{str(folder / SERVER)!r} cannot be read. Write it again with `casepilot connect`.") from error


def connect(folder: Path, served: Served) -> None:
    """Have a causal LM's folder answered for by a server; when it is not, the folder stays as it was.

    Raises:
        ModelError: the folder holds no causal LM, or a critic that no server can run; or it belongs to a store.
        ServerError: see `check_server`.
    """
    from policies.causal_lm.store import read_language, read_plain

    outside(folder)
    if read_meta(folder).kind != CAUSAL_LM:
        raise ModelError(f"Expected a causal LM at {str(folder)!r}, met a small model, which needs no server.")
    plain = read_plain(folder)
    if served.critic and plain.shared is not False:
        met = "one that goes on from the policy's cache" if plain.shared else "none"
        raise ModelError(f"Expected a critic that reads the page itself, met {met}. Train it with `casepilot critic --alone`.")
    scorer = scorer_at(served, read_language(folder, plain))
    try:
        check_server(scorer)
    finally:
        scorer.client.close()
    with changed(folder) as draft:
        (draft / SERVER).write_text(served.model_dump_json(indent=1), encoding="utf-8")


def disconnect(folder: Path) -> None:
    """Run the model of a folder in this process again."""
    with changed(folder) as draft:
        (draft / SERVER).unlink(missing_ok=True)


def scorer_at(served: Served, language: Language) -> RemoteScorer:
    """A scorer that asks a server; nothing is sent yet."""
    key = SecretStr(os.environ.get("CASEPILOT_LM_KEY", ""))
    settings = ClientSettings(url=served.url, key=key, timeout=served.timeout, tries=served.tries)
    names: dict[Role, str] = {"policy": served.policy, "critic": served.critic}
    return RemoteScorer(Completions(settings), names, language)


def check_server(scorer: RemoteScorer) -> None:
    """Whether the server runs what is asked of it and reads the same tokens.

    Raises:
        ServerError: it does not answer, runs no such models, or reads other tokens.
    """
    running = scorer.client.models()
    for role, name in scorer.names.items():
        if name and name not in running:
            raise ServerError(
                f"Expected the {role} under the name {name!r} at {scorer.client.settings.url}, met "
                f"{', '.join(running) or 'no model'}. "
                "Name it with `--policy` or `--critic`, or start the server with it."
            )
    language = scorer.language
    tokens = language.encode(KNOWN)
    prompt = (*language.before, *tokens)
    met = scorer.client.tokens(scorer.names["policy"], prompt)
    expected = language.tokenizer.decode(list(prompt), skip_special_tokens=False)
    if "".join(met) != expected:
        raise ServerError(
            f"Expected the server at {scorer.client.settings.url} to read {expected[-60:]!r}, met {''.join(met)[-60:]!r}: "
            f"it has another "
            "tokenizer. Serve the base model that this model was trained on."
        )
    scorer.score([Question(prompt, (Fork((), (language.accept, language.reject)),))])

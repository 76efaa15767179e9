"""The small policy to and from a folder: arrays as safetensors, the rest as JSON, never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load_file, save_file

from policies import novelty
from policies.candidates import Memory
from policies.encoder import TextEncoder
from policies.small.hearing import Ear, Hearing
from policies.small.knowledge import Knowledge
from policies.small.lexicon import Lexicon
from policies.small.model import NetConfig, PolicyNet
from policies.small.policy import SmallPolicy, Temperatures
from policies.small.rules import Forest, Rules

Arrays = dict[str, npt.NDArray[np.generic]]

ARRAYS = "model.safetensors"
PLAIN = "policy.json"
CONFIG = "config.json"
MODEL_TYPE = "casepilot-small"


def save(policy: SmallPolicy, folder: Path) -> None:
    """Write the policy's files, the tokenizer's of its text encoder, and that encoder where it is not the packaged one, to
    `folder`."""
    arrays: Arrays = {f"net.{name}": tensor.detach().numpy() for name, tensor in policy.net.state_dict().items()}
    plain: dict[str, Any] = {
        "temperatures": policy.temperatures.model_dump(),
        "top": policy.top,
        "memory": policy.memory.model_dump(mode="json"),
        "lexicon": policy.known.lexicon.model_dump(),
        "novelty": novelty.to_json(policy.novelty),
        "values": _forests_out("values", policy.known.rules.values, arrays),
        "uptakes": _forests_out("uptakes", policy.known.rules.uptakes, arrays),
        "habits": policy.known.rules.habits,
        "ears": [],
    }
    if policy.known.typed is not None:
        plain["typed_values"] = _forests_out("typed_values", policy.known.typed.values, arrays)
        plain["typed_uptakes"] = _forests_out("typed_uptakes", policy.known.typed.uptakes, arrays)
        plain["typed_habits"] = policy.known.typed.habits
    for index, (key, ear) in enumerate(policy.known.hearing.ears.items()):
        plain["ears"].append({"key": key, "classes": ear.classes, "likeness": ear.likeness, "trust": ear.trust})
        arrays |= {f"ears.{index}.{name}": getattr(ear, name) for name in ("weights", "labels", "bias")}
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / ARRAYS)
    plain["memory"]["used"] = sorted(plain["memory"]["used"])
    (folder / PLAIN).write_text(json.dumps(plain, ensure_ascii=False), encoding="utf-8")
    config = {"model_type": MODEL_TYPE, "architectures": [PolicyNet.__name__], **policy.net.config.model_dump()}
    (folder / CONFIG).write_text(json.dumps(config, indent=1), encoding="utf-8")
    policy.encoder.copy_to(folder)


def load(folder: Path, encoder: TextEncoder) -> SmallPolicy:
    """Read what `save` wrote. Raises KeyError, ValueError or RuntimeError when the files do not fit one another."""
    arrays = load_file(folder / ARRAYS)
    plain = json.loads((folder / PLAIN).read_text(encoding="utf-8"))
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    net = PolicyNet(NetConfig.model_validate({name: config[name] for name in NetConfig.model_fields}))
    net.load_state_dict({name[4:]: torch.from_numpy(array) for name, array in arrays.items() if name.startswith("net.")})
    ears = {
        entry["key"]: Ear(
            tuple(entry["classes"]),
            arrays[f"ears.{index}.weights"],
            arrays[f"ears.{index}.labels"],
            arrays[f"ears.{index}.bias"],
            entry["likeness"],
            entry.get("trust", 1.0),
        )
        for index, entry in enumerate(plain["ears"])
    }
    rules = Rules(
        _forests_in("values", plain["values"], arrays), _forests_in("uptakes", plain["uptakes"], arrays), plain["habits"]
    )
    typed = None
    if "typed_values" in plain:
        values, uptakes = (_forests_in(kind, plain[kind], arrays) for kind in ("typed_values", "typed_uptakes"))
        typed = Rules(values, uptakes, plain["typed_habits"])
    memory = Memory.model_validate(plain["memory"])
    lexicon = Lexicon.model_validate(plain["lexicon"])
    return SmallPolicy(
        net,
        memory,
        Knowledge(lexicon, rules, Hearing(ears), comparisons=memory.derived.comparisons, typed=typed),
        encoder,
        novelty.from_json(plain["novelty"]),
        Temperatures.model_validate(plain["temperatures"]),
        plain["top"],
    )


def _forests_out(kind: str, forests: Mapping[str, Forest], arrays: Arrays) -> list[dict[str, Any]]:
    plain = []
    for index, (key, forest) in enumerate(forests.items()):
        plain.append({"key": key, "names": forest.names, "classes": forest.classes})
        arrays |= {f"{kind}.{index}.{name}": getattr(forest, name) for name in ("feature", "child", "leaf")}
    return plain


def _forests_in(kind: str, plain: list[dict[str, Any]], arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, Forest]:
    return {
        entry["key"]: Forest(
            tuple(entry["names"]),
            tuple(entry["classes"]),
            arrays[f"{kind}.{index}.feature"],
            arrays[f"{kind}.{index}.child"],
            arrays[f"{kind}.{index}.leaf"],
        )
        for index, entry in enumerate(plain)
    }

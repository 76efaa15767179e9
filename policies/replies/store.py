"""Replies to and from a model folder: arrays as safetensors, the rest as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_array

from policies.replies.replies import Past, Replies
from policies.templates import Template

ARRAYS = "replies.safetensors"
PLAIN = "replies.json"


def save(replies: Replies, folder: Path) -> None:
    """Write `ARRAYS` and `PLAIN` to `folder`."""
    past = replies.past
    arrays = {
        "template": past.template,
        "operator": past.operator,
        "said": past.said,
        "weights": replies.weights,
        "columns": past.true.indices.astype(np.int32),
        "pointers": past.true.indptr.astype(np.int64),
    }
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / ARRAYS)
    plain = {
        "templates": [template.model_dump() for template in replies.templates],
        "operators": replies.operators,
        "names": replies.names,
        "hearing": replies.hearing,
    }
    (folder / PLAIN).write_text(json.dumps(plain, ensure_ascii=False), encoding="utf-8")


def load(folder: Path) -> Replies:
    """Read what `save` wrote. Raises KeyError, ValueError or OSError when the files do not fit one another."""
    arrays = load_file(folder / ARRAYS)
    plain = json.loads((folder / PLAIN).read_text(encoding="utf-8"))
    names = tuple(plain["names"])
    columns, pointers = arrays["columns"], arrays["pointers"]
    true = csr_array((np.ones(len(columns)), columns, pointers), shape=(len(arrays["template"]), len(names)))
    past = Past(arrays["template"], arrays["operator"], true, arrays["said"])
    templates = tuple(Template.model_validate(one) for one in plain["templates"])
    return Replies(templates, tuple(plain["operators"]), names, arrays["weights"], past, plain["hearing"])

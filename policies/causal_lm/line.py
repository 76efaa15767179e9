"""One line of a prompt, and what may be left out of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["kept", "message", "row", "fact", "aside", "step"]


@dataclass(frozen=True)
class Line:
    """One line of a prompt. `kind` says whether and when it may be left out."""

    text: str
    kind: Kind = "kept"

"""Files on disk: written whole or not at all, and told by their digest."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def replace_text(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    draft = file.with_name(f".{file.name}.new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, file)


def sha256(file: Path) -> str:
    """The sha256 of what a file holds, in hexadecimal. Raises OSError when it cannot be read."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

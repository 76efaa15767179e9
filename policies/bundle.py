"""A model folder: policy, critic and thresholds with what they were made from. Safetensors and JSON, never pickle.

It is laid out as Hugging Face models are: `config.json`, `model.safetensors` and the tokenizer's files lie at its top.

bundle.json          what the model is, and the sha256 of every file in it
config.json          sizes of the policy's network     model.safetensors   arrays of the policy
tokenizer.json ...   the tokenizer of the text encoder that the policy was trained with
encoder/             that text encoder, unless it is the one that comes with casepilot
policy.json          the rest of the policy, with the formulas and comparisons that were found
replies.json, replies.safetensors   what operators wrote to customers before (see `policies.replies`)
critic.json          the critic, once there is one
critic_typed.json    the critic that reads no text
preferences.json     what operators would have done another way, for people to look at
thresholds.json      certified thresholds, once calibrated (see `policies.thresholds`)
thresholds_typed.json  the same for the critic that reads no text
profile.yaml         the profile of the application's UI that it is for, where it was given with it
server.json          where a server runs it, where one does (see `policies.remote`)

A causal LM's folder has other files for policy and critic, some in folders of their own; see `policies.causal_lm.store`. It has
a text encoder where it knows past replies.

Numbered versions of a model are kept in a store (see `policies.registry`), which may be given wherever a model folder is asked
for.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from policies.disk import replace_text, sha256
from policies.errors import ModelError
from policies.registry.pointer import outside, resolved
from schema_extraction.view import VIEW_VERSION, Frozen

if TYPE_CHECKING:
    from policies.causal_lm.critic import CausalCritic
    from policies.causal_lm.drafting import CausalDrafter
    from policies.causal_lm.policy import CausalPolicy
    from policies.encoder import EncoderSettings, TextEncoder
    from policies.preferences import Preferences
    from policies.proposal import Critic, Policy
    from policies.replies.replies import Replies
    from policies.small.critic import SmallCritic, TypedCritic
    from policies.small.policy import SmallPolicy
    from policies.thresholds import Thresholds
    from schema_extraction.profile import CriticKind

FORMAT = 2
META = "bundle.json"
CRITIC = "critic.json"
TYPED = "critic_typed.json"
PREFERENCES = "preferences.json"
THRESHOLDS = "thresholds.json"
TYPED_THRESHOLDS = "thresholds_typed.json"
PROFILE = "profile.yaml"
SERVER = "server.json"
CAUSAL_LM = "causal_lm"
"""The kind of a model whose policy and critic are a causal language model."""
OPTIONAL = (CRITIC, TYPED, PREFERENCES, THRESHOLDS, TYPED_THRESHOLDS, PROFILE, SERVER)
"""Files that a model may have; one that `bundle.json` does not list was put there by hand."""


class Meta(Frozen):
    """`traces`: digest of the traces the policy learned from. `files`: sha256 by name. `metrics`: of policy and critic."""

    format: int = FORMAT
    kind: str = "small"
    view_version: int = VIEW_VERSION
    encoder: str = ""
    encoder_sha: str = ""
    max_tokens: int = 128
    seed: int = 0
    traces: str = ""
    cases: int = 0
    settings: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, float] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True)
class Bundle:
    """A model that was loaded."""

    path: Path
    policy: SmallPolicy | CausalPolicy
    critic: SmallCritic | CausalCritic | None
    thresholds: Thresholds | None
    meta: Meta
    typed: TypedCritic | None = None
    typed_thresholds: Thresholds | None = None
    preferences: Preferences | None = None
    replies: Replies | None = None
    texts: TextEncoder | None = None

    def offering(self, operator: str = "") -> Policy:
        """The policy, which with a message also offers past replies, in the wording of `operator` first, and what a causal LM
        drafts."""
        if self.replies is None or self.texts is None:
            return self.policy
        from policies.replies.offering import OfferingPolicy

        return OfferingPolicy(self.policy, self.replies, self.texts.embed, operator, self.drafter())

    def drafter(self) -> CausalDrafter | None:
        """What has the model draft replies; None where it is no causal LM, or is not to."""
        from policies.causal_lm.drafting import CausalDrafter
        from policies.causal_lm.policy import CausalPolicy

        if isinstance(self.policy, CausalPolicy) and self.policy.reach.drafted:
            return CausalDrafter(self.policy)
        return None

    @property
    def small(self) -> SmallPolicy:
        """The policy, where only a small one will do.

        Raises:
            ModelError: it is a causal LM.
        """
        from policies.causal_lm.policy import CausalPolicy

        if isinstance(self.policy, CausalPolicy):
            raise ModelError(
                f"Expected a small model at {str(self.path)!r}, met a causal LM. Train one with `casepilot train`."
            )
        return self.policy

    def judge(self, kind: CriticKind = "full") -> tuple[Critic | None, Thresholds | None]:
        """The critic that a profile asks for, with its thresholds; None where there is none yet.

        Raises:
            ModelError: the profile asks for the critic that reads no text, and this model has only the other.
        """
        if kind == "full":
            return self.critic, self.thresholds
        if self.typed is None and self.critic is not None:
            raise ModelError(
                f"The profile asks for a critic that reads no text, met a model with none: {str(self.path)!r}. "
                "Train it again with `casepilot critic` and `casepilot calibrate`, or leave `critic: typed` out of the profile."
            )
        return self.typed, self.typed_thresholds


def load(path: Path, encoder: EncoderSettings | None = None, threads: int | None = 1) -> Bundle:
    """Load a model folder, or the active version of a store. `encoder`: where the text encoder is and where it caches, if not
    as usual. `threads`: of torch, for the whole process; a page is too small a batch to share among more than one. None leaves
    it.

    Raises:
        ModelError: the folder is missing or damaged, or its model was made for another view version, encoder or tokenizer.
        EncoderError: the text encoder cannot be had.
    """
    path = resolved(path)
    meta = verified(path)
    if meta.kind == CAUSAL_LM:
        return _load_causal(path, meta, encoder, threads)

    import torch

    from policies.small import critic, store
    from policies.thresholds import Thresholds

    if threads is not None:
        torch.set_num_threads(threads)
    texts = _text_encoder(path, meta, encoder)
    try:
        policy = store.load(path, texts)
        judge = critic.load(path / CRITIC, policy) if CRITIC in meta.files else None
        typed = critic.load_typed(path / TYPED, policy) if TYPED in meta.files else None
        liked = read_preferences(path)
    except (KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        raise ModelError(f"Model {str(path)!r} cannot be read ({error.__class__.__name__}). Train it again.") from error
    past = _past_replies(path, meta)
    certified, typed_certified = (
        Thresholds.read(path / name) if name in meta.files else None for name in (THRESHOLDS, TYPED_THRESHOLDS)
    )
    return Bundle(path, policy, judge, certified, meta, typed, typed_certified, liked, past, texts)


def _load_causal(path: Path, meta: Meta, encoder: EncoderSettings | None, threads: int | None) -> Bundle:
    import torch

    from policies.causal_lm import store
    from policies.thresholds import Thresholds

    if threads is not None:
        torch.set_num_threads(threads)
    loaded = store.load(path)
    certified = Thresholds.read(path / THRESHOLDS) if THRESHOLDS in meta.files else None
    past = _past_replies(path, meta)
    texts = _text_encoder(path, meta, encoder) if past is not None else None
    liked = read_preferences(path)
    return Bundle(path, loaded.policy, loaded.critic, certified, meta, preferences=liked, replies=past, texts=texts)


def _text_encoder(path: Path, meta: Meta, encoder: EncoderSettings | None) -> TextEncoder:
    """The text encoder that a model was trained with."""
    from policies.encoder import OWN, EncoderSettings, TextEncoder

    asked = encoder or EncoderSettings(model=meta.encoder, max_tokens=meta.max_tokens)
    if (path / OWN).is_dir() and asked.model in ("", meta.encoder):
        asked = replace(asked, model=str(path / OWN))
    texts = TextEncoder(asked)
    if texts.sha != meta.encoder_sha:
        raise ModelError(
            f"Model {str(path)!r} was trained with text encoder {meta.encoder_sha[:12]}, met {texts.sha[:12]}. "
            "Give the encoder it was trained with, or train it again."
        )
    for file in texts.tokenizer_files():
        if meta.files.get(file.name) != sha256(file):
            raise ModelError(
                f"Model {str(path)!r} was trained with another {file.name} than the text encoder has now. "
                "Give the encoder it was trained with, or train it again."
            )
    return texts


def _past_replies(path: Path, meta: Meta) -> Replies | None:
    """What operators wrote before, where the model knows of it."""
    from policies.replies import store as replies

    if replies.PLAIN not in meta.files:
        return None
    try:
        return replies.load(path)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise ModelError(f"Model {str(path)!r} cannot be read ({error.__class__.__name__}). Train it again.") from error


def read_meta(path: Path) -> Meta:
    """What a model folder says it is.

    Raises:
        ModelError: see `load`.
    """
    file = path / META
    if not file.is_file():
        raise ModelError(f"No model at {str(path)!r}. Make one with `casepilot train TRACES --out {path}`.")
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
        version = plain.get("view_version") if isinstance(plain, dict) else None
        if version is not None and version != VIEW_VERSION:
            raise ModelError(
                f"Model {str(path)!r} was trained for view version {version!r}, this is version {VIEW_VERSION}. "
                "Train it again on traces of this version."
            )
        if isinstance(plain, dict) and isinstance(plain.get("format"), int) and plain["format"] != FORMAT:
            raise ModelError(
                f"Model {str(path)!r} is of format {plain['format']}, expected {FORMAT}: another casepilot wrote it. "
                "Train it again."
            )
        return Meta.model_validate(plain)
    except (ValueError, ValidationError, OSError) as error:
        raise ModelError(f"Model {str(path)!r} is damaged: {META} cannot be read. Train it again.") from error


def verified(path: Path) -> Meta:
    """What a model folder says it is, once its files are those that it lists.

    Raises:
        ModelError: see `read_meta`; also when a file is missing, was changed, or was put there by hand.
    """
    meta = read_meta(path)
    for name, expected in meta.files.items():
        file = path / name
        if not file.is_file():
            raise ModelError(f"Model {str(path)!r} is damaged: {name} is missing. Take it from a copy, or train it again.")
        if (found := sha256(file)) != expected:
            raise ModelError(
                f"Model {str(path)!r} is damaged: {name} was changed (sha256 {found[:12]}, expected {expected[:12]}). "
                "Take it from a copy, or train it again."
            )
    for name in OPTIONAL:
        if (path / name).exists() and name not in meta.files:
            raise ModelError(
                f"Model {str(path)!r} holds {name}, which {META} does not list: it was put there by hand. Take it out, or make "
                "it with `casepilot critic` and `casepilot calibrate`."
            )
    return meta


def read_preferences(path: Path) -> Preferences | None:
    """What the operators of a model do another way, without loading the model; None where nothing is known of it."""
    from policies.preferences import Preferences

    file = resolved(path) / PREFERENCES
    return Preferences.model_validate_json(file.read_text(encoding="utf-8")) if file.is_file() else None


def write_meta(folder: Path, meta: Meta) -> Meta:
    """Write `bundle.json` with the digests of the files that lie beside and below it, in one stroke; gives what was written."""
    files = (f for f in folder.rglob("*") if f.is_file() and not f.name.startswith("."))
    names = sorted(name for f in files if (name := f.relative_to(folder).as_posix()) != META)
    meta = meta.model_copy(update={"files": {name: sha256(folder / name) for name in names}})
    replace_text(folder / META, meta.model_dump_json(indent=1))
    return meta


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to write a model to, that takes the place of `out` when all went well and otherwise leaves nothing behind.

    Raises:
        ModelError: `out` is something else than a model or an empty folder, or a version of a store; it is not touched.
    """
    outside(out)
    if out.exists() and not (out / META).is_file() and not (out.is_dir() and not any(out.iterdir())):
        raise ModelError(f"{str(out)!r} exists and is no model. Give --out a new folder, or one with a model to replace.")
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield folder
        folder.chmod(0o755)
        if out.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
            os.replace(out, old)
            os.replace(folder, out)
            shutil.rmtree(old)
        else:
            os.replace(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def changed(path: Path) -> Iterator[Path]:
    """A copy of a model folder to change, that takes its place, with its digests renewed, when all went well; otherwise the
    model stays as it was.

    Raises:
        ModelError: there is no whole model at `path`, or it is in a store.
    """
    outside(path)
    verified(path)
    with new_folder(path) as folder:
        shutil.copytree(
            path, folder, dirs_exist_ok=True, copy_function=shutil.copyfile
        )  # writable, as those of a store are not
        yield folder
        write_meta(folder, read_meta(folder))

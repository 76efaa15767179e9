"""Speed of a causal LM on recorded sessions: reading, decoding, whole decisions, and what the machine itself could do.

Sessions are gone through step by step, as they were worked, so that each step may reuse what the one before it read. The
limits are measured here and not taken from a data sheet: bytes per second of a plain copy, and operations per second of a
matrix product in the model's own type. Reading cannot be faster than two operations per weight and token, decoding one
sequence not faster than once through all weights per token.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.table import Table

from agent.bench.results import milliseconds
from policies.bundle import Bundle, load
from policies.calibrate import histories
from policies.candidates import candidates
from policies.causal_lm.batching import Batching
from policies.causal_lm.critic import CausalCritic
from policies.causal_lm.engine import Engine
from policies.causal_lm.policy import CausalPolicy
from policies.causal_lm.scoring import Question
from policies.errors import ModelError, TraceError
from policies.proposal import History, is_critical
from policies.trace import read_steps
from schema_extraction.action import same_action
from schema_extraction.view import Frozen, View

Asked = tuple[View, History]
COPIED = 1 << 26
SQUARE = 1024
SECONDS = 0.5


class LmSettings(Frozen):
    """`decisions`: steps that are timed; `decodes`: answers that are drawn and checked to be valid; `sessions`: how many are
    asked about in one batch."""

    decisions: int = 100
    decodes: int = 1_000
    decoded: int = 64
    sessions: int = 8
    seed: int = 0


class LmBench(Frozen):
    """What was measured. Rates are tokens per second; `reused`: share of prompt tokens that came from the cache; `p50`, `p95`:
    of a decision, in milliseconds, the critic's part included; `batched`: decisions per second with several sessions in a
    batch; `of_arithmetic`, `of_bandwidth`: shares of the machine's limits that reading and decoding reach."""

    model: str
    device: str
    dtype: str
    weights: int
    prompt_tokens: float
    prefill: float
    decode: float
    p50: float
    p95: float
    decisions: int
    reused: float
    batched: float
    of_arithmetic: float
    of_bandwidth: float
    decodes: int
    invalid: int

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")


def measure(
    model: Path, traces: Path, settings: LmSettings = LmSettings(), progress: Callable[[int, int], None] | None = None
) -> LmBench:
    """Measure a model folder on recorded sessions.

    Raises:
        ModelError: the folder holds no causal LM in this process.
        TraceError: there is no step to decide.
    """
    bundle = load(model, threads=None)
    policy, engine = _parts(bundle)
    asked = [(step.view, history) for step, history in histories(read_steps(traces)) if step.actor == "operator"]
    asked = [pair for pair in asked[: settings.decisions] if policy.read(*pair) is not None]
    if not asked:
        raise TraceError(f"Expected steps of operators at {str(traces)!r}, met none. Record some with `casepilot record`.")
    tell = progress or (lambda done, of: None)

    policy.propose(*asked[0])  # the first pass pays for what is set up once
    engine.forget()
    asked_before, reused_before = engine.counts.prompt, engine.counts.reused
    taken = []
    for done, pair in enumerate(asked, start=1):
        taken.append(_decision(policy, bundle.critic if isinstance(bundle.critic, CausalCritic) else None, pair, engine))
        tell(done, len(asked) + 3)
    reused = (engine.counts.reused - reused_before) / (engine.counts.prompt - asked_before)
    started = time.perf_counter()
    for start in range(0, len(asked), settings.sessions):
        policy.propose_all(asked[start : start + settings.sessions])
    _finish(engine)
    batched = len(asked) / (time.perf_counter() - started)
    tell(len(asked) + 1, len(asked) + 3)
    prompts = [reading.prompt.tokens for pair in asked if (reading := policy.read(*pair)) is not None]
    prefill, decode = _prefill(engine, prompts), _decode(engine, prompts[0], settings.decoded)
    tell(len(asked) + 2, len(asked) + 3)
    weights = sum(p.numel() for p in engine.model.parameters())
    size = sum(p.numel() * p.element_size() for p in engine.model.parameters())
    arithmetic, bandwidth = limits(engine.device, engine.model.dtype)
    invalid, drawn = invalid_decodes(policy, asked, settings)
    tell(len(asked) + 3, len(asked) + 3)
    return LmBench(
        model=str(model),
        device=torch.cuda.get_device_name() if engine.device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads",
        dtype=str(engine.model.dtype).removeprefix("torch."),
        weights=weights,
        prompt_tokens=sum(map(len, prompts)) / len(prompts),
        prefill=prefill,
        decode=decode,
        p50=milliseconds(taken, 50),
        p95=milliseconds(taken, 95),
        decisions=len(taken),
        reused=reused,
        batched=batched,
        of_arithmetic=2 * weights * prefill / arithmetic,
        of_bandwidth=size * decode / bandwidth,
        decodes=drawn,
        invalid=invalid,
    )


def table(found: LmBench) -> Table:
    """The figures, one a row."""
    shown = Table("Figure", "Value", title=f"{found.model}: {found.weights:,} weights in {found.dtype}, {found.device}")
    rows = {
        "prefill, tokens per second": f"{found.prefill:,.0f}",
        "decode, tokens per second": f"{found.decode:,.0f}",
        "decision p50 / p95, ms": f"{found.p50:.1f} / {found.p95:.1f}",
        "decisions per second, sessions in a batch": f"{found.batched:.1f}",
        "prompt tokens": f"{found.prompt_tokens:,.0f}",
        "prompt tokens reused": f"{found.reused:.1%}",
        "prefill, of the machine's arithmetic": f"{found.of_arithmetic:.1%}",
        "decode, of the machine's bandwidth": f"{found.of_bandwidth:.1%}",
        "invalid of constrained decodes": f"{found.invalid} of {found.decodes:,}",
    }
    for name, value in rows.items():
        shown.add_row(name, value)
    return shown


def invalid_decodes(policy: CausalPolicy, asked: Sequence[Asked], settings: LmSettings) -> tuple[int, int]:
    """How many of `settings.decodes` answers, drawn token by token from what the model thinks, are no valid action of their
    page."""
    rng = random.Random(settings.seed)
    each = -(-settings.decodes // len(asked))
    invalid = drawn = 0
    for view, history in asked:
        reading = policy.read(view, history)
        assert reading is not None
        rows = policy.scorer.score([Question(reading.prompt.tokens, reading.forks)])[0]
        valid = candidates(view, policy.memory, history)
        for _ in range(min(each, settings.decodes - drawn)):
            entry = reading.menu.entries[reading.trie.drawn(reading.forks, rows, rng)]
            invalid += not any(same_action(entry.action, action) for action in valid)
            drawn += 1
    return invalid, drawn


def limits(device: torch.device, dtype: torch.dtype) -> tuple[float, float]:
    """Operations and bytes per second that this machine reaches in a matrix product and in a copy."""
    square = SQUARE * (8 if device.type == "cuda" else 1)
    a, b = (torch.randn(square, square, device=device, dtype=dtype) for _ in range(2))
    source = torch.ones(COPIED * (8 if device.type == "cuda" else 1), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * square**3 * _rate(lambda: a @ b, device), 2 * source.numel() * _rate(lambda: target.copy_(source), device)


def _rate(work: Callable[[], Any], device: torch.device) -> float:
    """How often a second something can be done, after once for warming up."""
    work()
    count, started = 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < SECONDS:
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        count += 1
    return count / spent


def _parts(bundle: Bundle) -> tuple[CausalPolicy, Engine]:
    scorer = bundle.policy.scorer if isinstance(bundle.policy, CausalPolicy) else None
    engine = scorer.scorer if isinstance(scorer, Batching) else None
    if not isinstance(bundle.policy, CausalPolicy) or not isinstance(engine, Engine):
        raise ModelError(f"Expected a causal LM in this process at {str(bundle.path)!r}, met another model. Give its folder.")
    return bundle.policy, engine


def _decision(policy: CausalPolicy, critic: CausalCritic | None, pair: Asked, engine: Engine) -> float:
    """Seconds from a view to its proposals and, where the first is critical, its score."""
    view, history = pair
    started = time.perf_counter()
    ranked = policy.propose(view, history)
    if critic is not None and ranked and is_critical(view, ranked[0].action):
        critic.score(view, history, ranked)
    _finish(engine)
    return time.perf_counter() - started


def _prefill(engine: Engine, prompts: Sequence[tuple[int, ...]]) -> float:
    """Tokens per second of prompts that nothing is known of."""
    tokens, seconds = 0, 0.0
    for prompt in prompts[:10]:
        engine.forget()
        started = time.perf_counter()
        engine.score([Question(prompt, ())])
        _finish(engine)
        seconds += time.perf_counter() - started
        tokens += len(prompt)
    return tokens / seconds


def _decode(engine: Engine, prompt: tuple[int, ...], count: int) -> float:
    """Tokens per second, one after the other."""
    with torch.inference_mode():
        engine.activate("policy")
        output = engine.model(torch.tensor([prompt], device=engine.device), use_cache=True, logits_to_keep=1)
        started = time.perf_counter()
        for _ in range(count):
            token = output.logits[:, -1:].argmax(-1)
            output = engine.model(token, past_key_values=output.past_key_values, use_cache=True, logits_to_keep=1)
        _finish(engine)
    return count / (time.perf_counter() - started)


def _finish(engine: Engine) -> None:
    if engine.device.type == "cuda":
        torch.cuda.synchronize()

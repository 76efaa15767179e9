"""Scripted operators at work under the recorder: how the traces in `fixtures/traces` are made."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from loguru import logger

from agent.recording import Recording
from browser.errors import BrowserError
from browser.launch import BrowserSettings
from browser.session import Browser, attached, find_page, free_port, opened, target_id
from fixtures.bpm.serving import running_bpm
from fixtures.bpm.settings import BpmSettings, CaseMix, Split
from fixtures.operators.operator import Operator
from fixtures.operators.oracle import Oracle
from fixtures.operators.persona import BENCH_PERSONAS, PERSONAS, Persona
from policies.trace import trace_files
from schema_extraction.profile import Profile, load_profile

Progress = Callable[[int, int], None]


PROFILE = Path(__file__).parents[2] / "fixtures" / "bpm" / "profile.yaml"


async def record_split(
    out: Path,
    split: Split,
    cases: int,
    seed: int,
    headed: bool = False,
    progress: Progress = lambda done, total: None,
    mix: CaseMix = CaseMix(),
) -> int:
    """Record `cases` cases of a split on a BPM of their own, pack them into the gzip file `out`; returns the steps."""
    personas = PERSONAS if mix.name == "demo" else BENCH_PERSONAS
    with TemporaryDirectory() as folder:
        db = Path(folder) / "bpm.sqlite"
        async with running_bpm(BpmSettings(db=db, seed=seed, cases=cases, splits=(split,), mix=mix)) as base_url:
            profile = load_profile(PROFILE).model_copy(update={"base_url": base_url})
            oracle = Oracle(db)
            case_ids = oracle.case_ids()
            oracle.close()
            steps = await record(profile, db, case_ids, Path(folder) / "traces", seed, headed, progress, personas)
        out.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(out, "wb", compresslevel=9) as packed:
            for file in trace_files(Path(folder) / "traces"):
                packed.write(file.read_bytes())
    return steps


async def record(
    profile: Profile,
    db: Path,
    case_ids: Sequence[str],
    out: Path,
    seed: int = 0,
    headed: bool = False,
    progress: Progress = lambda done, total: None,
    personas: Mapping[str, Persona] = PERSONAS,
) -> int:
    """Every one of `personas` works a share of `case_ids` in a browser that the recorder watches.

    The operators are another DevTools client of that browser, as a person's own program would be. `progress` is called
    with the number of cases done and of all; a case that an operator could not end is logged and left. Returns the number
    of steps written.
    """

    def advance() -> None:
        progress(len(case_ids) - queue.qsize(), len(case_ids))

    queue: asyncio.Queue[str] = asyncio.Queue()
    for case_id in case_ids:
        queue.put_nowait(case_id)
    port = free_port()
    async with opened(BrowserSettings(headed=headed, devtools_port=port, isolate_sites=False)) as watched:
        async with attached(f"http://127.0.0.1:{port}") as driven:
            people = [
                _at_work(profile, db, persona, watched, driven, queue, out, seed, advance) for persona in personas.values()
            ]
            return sum(await asyncio.gather(*people))


async def _at_work(
    profile: Profile,
    db: Path,
    persona: Persona,
    watched: Browser,
    driven: Browser,
    queue: asyncio.Queue[str],
    out: Path,
    seed: int,
    advance: Callable[[], None],
) -> int:
    context = await watched.new_context()
    recording = Recording(profile, out, persona.username)
    await recording.watch_context(context)
    seen = await context.new_page()
    page = await find_page(driven, await target_id(seen))
    oracle = Oracle(db)
    operator = Operator(persona, oracle, seed)
    await operator.sign_in(page, profile.base_url)
    while not queue.empty():
        case_id = queue.get_nowait()
        try:
            if not await operator.work_case(page, case_id, profile.base_url):
                logger.warning("{}: {} did not bring it to its end", case_id, persona.username)
        except (BrowserError, TimeoutError) as error:
            logger.warning("{}: {} gave up: {}", case_id, persona.username, error)
        advance()
    recording.stop()
    await recording.until_ended()
    oracle.close()
    await context.close()
    return recording.steps

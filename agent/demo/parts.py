"""The parts of the demonstration, each real: recording, working cases with operators at the desk, replay."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console

from agent.demo.people import Staff
from agent.demo.record import PROFILE, record
from agent.demo.settings import DemoSettings
from agent.desk import Desk
from agent.interrupt import Interrupt
from agent.person import at_the_screen
from agent.progress import counting
from agent.results import Phase
from agent.runner import Runner, RunState
from agent.settings import Credentials, RunSettings, Stage
from agent.store import CaseSummary, Store
from agent.worker import Decider
from fixtures.bpm.judge import CaseVerdict, judge
from fixtures.bpm.serving import running_bpm
from fixtures.bpm.settings import BpmSettings, Split
from fixtures.operators.oracle import Oracle
from policies.proposal import Policy
from policies.trace import Step, read_steps
from schema_extraction.profile import Profile, load_profile
from schema_extraction.view import Frozen

TRACES = PROFILE.parents[1] / "traces"
AGENT = Credentials(username="agent1", password=SecretStr("practice"))


class Ran(Frozen):
    """Cases that were worked live: the run's folder, the application's database, the sessions' own summaries."""

    folder: Path
    db: Path
    summaries: tuple[CaseSummary, ...]

    @property
    def traces(self) -> Path:
        return self.folder / "traces"

    def steps(self) -> list[Step]:
        return list(read_steps(self.traces))

    def screenshots(self) -> dict[str, str]:
        """Pictures of the hand-offs, as paths below the demo's folder, by session and index of their steps."""
        store = Store(self.folder / "casepilot.sqlite")
        shown = {
            f"{handoff.session}.{handoff.step.index}": f"{self.folder.name}/{handoff.screenshot}"
            for handoff, _ in store.handoffs()
            if handoff.screenshot
        }
        store.close()
        return shown

    def verdicts(self) -> list[CaseVerdict]:
        """What became of every case, by the application's own audit log."""
        return judge(self.db)


class Parts:
    """Carries out parts one after the other and keeps what each took in `phases`."""

    def __init__(self, settings: DemoSettings, console: Console) -> None:
        self.settings = settings
        self.console = console
        self.phases: list[Phase] = []
        self.interrupt = Interrupt()

    @contextmanager
    def phase(self, name: str, cases: int = 0) -> Iterator[None]:
        """Announces a part and notes how long it took."""
        started = time.monotonic()
        self.console.print(f"[bold]{len(self.phases) + 1}. {name}[/]" + (f" [dim]({cases} cases)[/]" if cases else ""))
        yield
        self.phases.append(Phase(name=name, seconds=time.monotonic() - started, cases=cases))

    @asynccontextmanager
    async def bpm(self, name: str, split: Split, cases: int) -> AsyncIterator[tuple[Profile, Path]]:
        """The practice BPM with a database of its own in the demo's folder."""
        db = self.settings.out / f"{name}.sqlite"
        async with running_bpm(BpmSettings(db=db, seed=self.settings.seed, cases=cases, splits=(split,))) as base_url:
            yield load_profile(PROFILE).model_copy(update={"base_url": base_url}), db

    async def record(self, name: str, split: Split, cases: int) -> Path:
        """Scripted operators work cases under the recorder; returns the folder of the traces."""
        out = self.settings.out / name
        with self.phase("Recording operators at work", cases):
            async with self.bpm(name, split, cases) as (profile, db):
                oracle = Oracle(db)
                case_ids = oracle.case_ids()
                oracle.close()
                with counting(self.console, "cases") as progress:
                    await record(profile, db, case_ids, out, self.settings.seed, self.settings.headed, progress)
        return out

    async def work(
        self,
        name: str,
        split: Split,
        stage: Stage,
        policy: Policy,
        gate: Decider,
        progress: Callable[[RunState], None],
        staffed: bool = True,
    ) -> Ran:
        """Work cases live; with nobody at the desk (`staffed` False) a hand-off ends its case.

        Raises:
            KeyboardInterrupt: somebody pressed Ctrl-C; what was recorded is kept.
        """
        folder = self.settings.out / name
        copilot = stage == "copilot"
        async with self.bpm(name, split, self.settings.copilot if copilot else self.settings.held_out) as (profile, db):
            desk = Desk()
            settings = RunSettings(
                profile=profile,
                run_dir=folder,
                stage=stage,
                concurrency=self.settings.copilot_concurrency if copilot else self.settings.concurrency,
                headed=self.settings.headed,
                isolate_sites=False,  # the practice BPM has no frames of other sites
                credentials=AGENT,
                operator=self.settings.operator,
                pictures=staffed and not copilot,
            )
            async with Runner(settings, policy, lambda _: gate, desk, progress) as runner:
                serving = asyncio.create_task(self._serve(desk, db, stage, staffed))
                with self.interrupt.handler(runner.stop):
                    summaries = await runner.run(await runner.open_cases())
            await serving
            if self.interrupt.asked:
                raise KeyboardInterrupt
        return Ran(folder=folder, db=db, summaries=tuple(summaries))

    async def _serve(self, desk: Desk, db: Path, stage: Stage, staffed: bool) -> None:
        if not staffed:
            async for handoff in desk:
                await desk.end_session(handoff.id, "nobody", "Nobody is there.")
        elif self.settings.interactive and stage == "selective":
            await at_the_screen(
                desk,
                self.settings.operator,
                lambda handoff: self.console.print(
                    f"[yellow]yours[/] {handoff.case_id}: {handoff.suggestion} {handoff.reason}"
                ),
            )
        else:
            await Staff(desk, db, self.settings.seed).serve()

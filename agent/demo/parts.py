"""The parts of demonstration and benchmark, each real: recording, working cases with operators at the desk, replay."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console

from agent.demo.people import Staff
from agent.demo.record import PROFILE, record
from agent.demo.settings import PartSettings
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
from fixtures.bpm.settings import BpmSettings, CaseMix, Split
from fixtures.operators.oracle import Oracle
from fixtures.operators.persona import BENCH_PERSONAS, PERSONAS, Persona
from fixtures.operators.reasons import Temper, tempered
from policies.proposal import Policy
from policies.trace import Step, read_steps
from schema_extraction.profile import load_profile
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
        """Pictures of the hand-offs, as paths below the parts' folder, by session and index of their steps."""
        store = Store(self.folder / "casepilot.sqlite")
        shown = {
            f"{handoff.session}.{handoff.step.index}": f"{self.folder.name}/{handoff.screenshot}"
            for handoff, _ in store.handoffs()
            if handoff.screenshot
        }
        store.close()
        return shown

    def case_ids(self) -> list[str]:
        """The cases that were worked."""
        return [summary.case_id for summary in self.summaries]

    def verdicts(self) -> list[CaseVerdict]:
        """What became of every case, by the application's own audit log."""
        return judge(self.db)


class Parts:
    """Carries out parts one after the other and keeps what each took in `phases`. Each part has an application of its own."""

    def __init__(self, settings: PartSettings, console: Console) -> None:
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

    def bpm(self, name: str, split: Split, cases: int) -> BpmSettings:
        """The application of a part, with a database of its own in the parts' folder."""
        return BpmSettings(db=self.database(name), seed=self.settings.seed, cases=cases, splits=(split,))

    def database(self, name: str) -> Path:
        """The application's database of a part."""
        return self.settings.out / f"{name}.sqlite"

    async def record(self, name: str, bpm: BpmSettings) -> Path:
        """Scripted operators work cases under the recorder; returns the folder of the traces."""
        out = self.settings.out / name
        async with running_bpm(bpm) as base_url:
            profile = load_profile(PROFILE).model_copy(update={"base_url": base_url})
            oracle = Oracle(bpm.db)
            case_ids = oracle.case_ids()
            oracle.close()
            with counting(self.console, "cases") as progress:
                await record(
                    profile,
                    bpm.db,
                    case_ids,
                    out,
                    self.settings.seed,
                    self.settings.headed,
                    progress,
                    personas_of(bpm.mix, self.settings.errors),
                )
        return out

    async def work(
        self,
        name: str,
        bpm: BpmSettings,
        stage: Stage,
        policy: Policy,
        gate: Decider,
        progress: Callable[[RunState], None],
        *,
        concurrency: int,
        staffed: bool = True,
    ) -> Ran:
        """Work cases live; with nobody at the desk (`staffed` False) a hand-off ends its case.

        Raises:
            KeyboardInterrupt: somebody pressed Ctrl-C; what was recorded is kept.
        """
        folder = self.settings.out / name
        async with running_bpm(bpm) as base_url:
            desk = Desk()
            settings = RunSettings(
                profile=load_profile(PROFILE).model_copy(update={"base_url": base_url}),
                run_dir=folder,
                stage=stage,
                concurrency=concurrency,
                headed=self.settings.headed,
                isolate_sites=False,  # the practice BPM has no frames of other sites
                credentials=AGENT,
                operator=self.settings.operator,
                pictures=staffed and stage == "selective",
            )
            async with Runner(settings, policy, lambda _: gate, desk, progress) as runner:
                serving = asyncio.create_task(self._serve(desk, bpm, stage, staffed))
                with self.interrupt.handler(runner.stop):
                    summaries = await runner.run(await runner.open_cases())
            await serving
            if self.interrupt.asked:
                raise KeyboardInterrupt
        return Ran(folder=folder, db=bpm.db, summaries=tuple(summaries))

    async def _serve(self, desk: Desk, bpm: BpmSettings, stage: Stage, staffed: bool) -> None:
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
            await Staff(desk, bpm.db, self.settings.seed, personas_of(bpm.mix, self.settings.errors)).serve()


def personas_of(mix: CaseMix, errors: float | None = None) -> Mapping[str, Persona]:
    """The operators of a set of processes; `errors`: see `PartSettings`."""
    if mix.name == "demo":
        return PERSONAS
    return BENCH_PERSONAS if errors is None else tempered(Temper.for_errors(errors))


def gathered(folder: Path, *sources: Path) -> Path:
    """A folder with the traces of all sources in it."""
    for source in sources:
        shutil.copytree(source, folder / source.name)
    return folder

"""What the console sees of a run: its sessions and hand-offs, on disk and, while the agents run, in the process."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agent.console.seeded import Seeds
from agent.desk import Desk, blind
from agent.handoff import Handoff
from agent.store import HandoffState, SessionRow, Store
from policies.trace import Step, read_steps
from schema_extraction.view import Frozen

if TYPE_CHECKING:
    from agent.live import Live

Phase = Literal["queued", "working", "waiting", "over", "asleep"]


class Waiting(Frozen):
    """A hand-off that has not ended, as operators get it, and who has it."""

    handoff: Handoff
    state: HandoffState
    operator: str


class SessionState(Frozen):
    """`phase` `asleep`: not over, but no agent runs it now. `waits_for`: in words, empty when it does not wait. `handoff`: the
    id of the hand-off that it waits for."""

    row: SessionRow
    phase: Phase
    waits_for: str
    handoff: str = ""

    @property
    def age_seconds(self) -> float:
        """From the first look to the end, or to now."""
        if self.row.summary is not None:
            return self.row.summary.wall_seconds
        return (datetime.now(UTC) - self.row.started).total_seconds()


class Floor:
    """`desk` and `lives` are those of the worker whose sessions run in this process; without one, `running` is False and what
    is on disk can be looked at, but nothing can be answered."""

    def __init__(
        self,
        store: Store,
        run_dir: Path,
        stage: str,
        db: sqlite3.Connection,
        seeds: Seeds,
        desk: Desk,
        lives: Mapping[str, Live] | None = None,
    ) -> None:
        self.store = store
        self.run_dir = run_dir
        self.stage = stage
        self.seeds = seeds
        self.desk = desk
        self._db = db
        self._lives = lives
        if seeds.rate > 0.0:
            desk.mask(self._seen)

    @property
    def running(self) -> bool:
        return self._lives is not None

    def waiting(self) -> list[Waiting]:
        """Oldest first."""
        return [
            Waiting(handoff=self.shown(handoff), state=state, operator=operator)
            for handoff, state, operator in self.store.waiting()
        ]

    def find(self, id: str) -> Waiting:
        """A hand-off, ended or not, with the suggestion that operators are shown.

        Raises:
            UnknownError: there is none.
        """
        handoff, state, operator = self.store.handoff(id)
        return Waiting(handoff=self.shown(handoff) if state != "ended" else blind(handoff), state=state, operator=operator)

    def is_seeded(self, id: str) -> bool:
        """Whether the suggestion shown now is one that is wrong on purpose."""
        handoff, state, _ = self.store.handoff(id)
        return state != "ended" and not self._revealed(id) and self.seeds.wrong(handoff) is not None

    def sessions(self) -> list[SessionState]:
        """Every session of the run, newest first."""
        waiting = {handoff.session: (handoff, operator) for handoff, _, operator in self.store.waiting()}
        return [self._session(row, waiting.get(row.session)) for row in self.store.sessions()]

    def session(self, session: str) -> SessionState | None:
        return next((state for state in self.sessions() if state.row.session == session), None)

    def trace(self, session: str) -> list[Step]:
        """The steps of a session so far, in order; reading them takes some milliseconds each."""
        path = self.run_dir / "traces" / f"{session}.jsonl"
        return sorted(read_steps(path), key=lambda step: step.index) if path.is_file() else []

    def picture(self, id: str) -> Path | None:
        """The picture of a hand-off's page, where there is one."""
        handoff, _, _ = self.store.handoff(id)
        path = self.run_dir / handoff.screenshot
        return path if handoff.screenshot and path.is_file() else None

    def shown(self, handoff: Handoff) -> Handoff:
        """An open hand-off as operators see it, wherever they do."""
        return blind(self._seen(handoff))

    def _seen(self, handoff: Handoff) -> Handoff:
        """With the suggestion that is wrong on purpose, where one was drawn and not answered yet."""
        return (None if self._revealed(handoff.id) else self.seeds.wrong(handoff)) or handoff

    def _revealed(self, id: str) -> bool:
        """Whether a wrong suggestion was answered, by whomever: from then on the policy's own is shown."""
        return self._db.execute("SELECT 1 FROM answers WHERE handoff = ? AND seeded = 1", (id,)).fetchone() is not None

    def _session(self, row: SessionRow, open: tuple[Handoff, str] | None) -> SessionState:
        live = self._lives.get(row.session) if self._lives is not None else None
        if row.summary is not None:
            return SessionState(row=row, phase="over", waits_for="")
        if open is not None:
            handoff, operator = open
            who = operator or "an operator"
            phase: Phase = "waiting" if live is not None else "asleep"
            return SessionState(row=row, phase=phase, waits_for=f"{who}: {self.shown(handoff).reason}", handoff=handoff.id)
        if live is None:
            asleep = "its turn" if self.running else "the agents to be started again"
            return SessionState(row=row, phase="queued" if self.running else "asleep", waits_for=asleep)
        waits = {"queued": "a free agent or a change of the page", "working": "", "waiting": "the page"}[live.phase]
        return SessionState(row=row, phase=live.phase, waits_for=waits)

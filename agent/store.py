"""What a run remembers on disk beside the durable workflow itself: sessions, intents and hand-offs, in one SQLite file.

Every write is committed before the call returns. All calls come from the loop's thread and take well under a millisecond.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from agent.errors import UnknownError
from agent.handoff import Ending, Handoff
from policies.trace import Step
from schema_extraction.action import Outcome
from schema_extraction.view import Frozen

SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    session TEXT PRIMARY KEY, case_id TEXT NOT NULL UNIQUE, started TEXT NOT NULL, next_index INTEGER NOT NULL DEFAULT 0,
    active_seconds REAL NOT NULL DEFAULT 0, summary TEXT
);
CREATE TABLE IF NOT EXISTS intents (
    key TEXT PRIMARY KEY, session TEXT NOT NULL, step TEXT NOT NULL, written TEXT NOT NULL, outcome TEXT
);
CREATE TABLE IF NOT EXISTS handoffs (
    id TEXT PRIMARY KEY, session TEXT NOT NULL, record TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',
    operator TEXT NOT NULL DEFAULT '', opened TEXT NOT NULL, ended TEXT, ending TEXT
);
CREATE INDEX IF NOT EXISTS handoffs_by_state ON handoffs (state);
"""

HandoffState = Literal["waiting", "claimed", "ended"]


class CaseSummary(Frozen):
    """What became of one case. `wall_seconds` runs from the first look to the end, waiting included; `agent_seconds` is the
    agent's own working time. Critical actions are counted by who answered for them: `critical_unattended` ran with nobody
    asked; `critical_supervised` were carried out by the agent after an operator's accept or edit; `critical_operator` were
    done by an operator."""

    case_id: str
    session: str
    status: Literal["completed", "ended_by_operator", "failed", "stopped"]
    steps: int = 0
    handoffs: int = 0
    audits: int = 0
    critical_unattended: int = 0
    critical_supervised: int = 0
    critical_operator: int = 0
    wall_seconds: float = 0.0
    agent_seconds: float = 0.0
    error: str = ""

    @property
    def automated(self) -> bool:
        """Closed with no operator asked."""
        return self.status == "completed" and self.handoffs == 0


class SessionRow(Frozen):
    """One session as far as it has come: `steps` written, `agent_seconds` of the agent's own work, `summary` once it
    is over."""

    session: str
    case_id: str
    started: datetime
    steps: int
    agent_seconds: float
    summary: CaseSummary | None = None


class Intent(Frozen):
    """A critical action about to be carried out: `step` without its outcome, and the outcome once it is known."""

    key: str
    step: Step
    outcome: Outcome | None = None


def _now() -> str:
    return datetime.now(UTC).isoformat()


class Store:
    """Open with a path; close when the run ends."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.folder = path.parent
        self._db = sqlite3.connect(path, isolation_level=None)
        # Records of open hand-offs are asked for again and again, and a view takes long to parse.
        self._open: dict[str, Handoff] = {}
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)
        # Nobody who had claimed a hand-off in an earlier process still holds it.
        self._db.execute("UPDATE handoffs SET state = 'waiting', operator = '' WHERE state = 'claimed'")

    def close(self) -> None:
        self._db.close()

    # Sessions

    def begin(self, session: str, case_id: str) -> None:
        """Register a session; a session that is already there is left as it is."""
        self._db.execute(
            "INSERT OR IGNORE INTO sessions (session, case_id, started) VALUES (?, ?, ?)", (session, case_id, _now())
        )

    def session_of(self, case_id: str) -> str | None:
        row = self._db.execute("SELECT session FROM sessions WHERE case_id = ?", (case_id,)).fetchone()
        return str(row[0]) if row else None

    def unfinished(self) -> dict[str, str]:
        """case id -> session of every session without a final summary, oldest first."""
        rows = self._db.execute("SELECT case_id, session FROM sessions WHERE summary IS NULL ORDER BY rowid")
        return {str(case): str(session) for case, session in rows}

    def next_index(self, session: str) -> int:
        """The number of the session's next step; each call gives another."""
        row = self._db.execute(
            "UPDATE sessions SET next_index = next_index + 1 WHERE session = ? RETURNING next_index - 1", (session,)
        ).fetchone()
        return int(row[0])

    def worked(self, session: str, seconds: float) -> float:
        """Add to the agent's working time of a session; returns the total."""
        row = self._db.execute(
            "UPDATE sessions SET active_seconds = active_seconds + ? WHERE session = ? RETURNING active_seconds",
            (seconds, session),
        ).fetchone()
        return float(row[0])

    def started(self, session: str) -> datetime:
        row = self._db.execute("SELECT started FROM sessions WHERE session = ?", (session,)).fetchone()
        return datetime.fromisoformat(row[0])

    def finish(self, summary: CaseSummary) -> None:
        self._db.execute("UPDATE sessions SET summary = ? WHERE session = ?", (summary.model_dump_json(), summary.session))

    def summary(self, session: str) -> CaseSummary | None:
        """The final summary of a session, or None while it has none."""
        row = self._db.execute("SELECT summary FROM sessions WHERE session = ?", (session,)).fetchone()
        return CaseSummary.model_validate_json(row[0]) if row and row[0] else None

    def sessions(self) -> list[SessionRow]:
        """Every session of the run, newest first."""
        rows = self._db.execute(
            "SELECT session, case_id, started, next_index, active_seconds, summary FROM sessions ORDER BY rowid DESC"
        )
        return [
            SessionRow(
                session=session,
                case_id=case_id,
                started=datetime.fromisoformat(started),
                steps=steps,
                agent_seconds=seconds,
                summary=CaseSummary.model_validate_json(summary) if summary else None,
            )
            for session, case_id, started, steps, seconds, summary in rows
        ]

    def count_finished(self) -> int:
        """How many sessions have a final summary."""
        return int(self._db.execute("SELECT COUNT(*) FROM sessions WHERE summary IS NOT NULL").fetchone()[0])

    # Intents

    def intend(self, key: str, step: Step) -> None:
        """Write down that the action of `step` is about to be carried out. This alone waits for the disk: after a
        loss of power, what it says is the only sign that the action may have been carried out already."""
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(
            "INSERT OR REPLACE INTO intents (key, session, step, written) VALUES (?, ?, ?, ?)",
            (key, step.session, step.model_dump_json(), _now()),
        )
        self._db.execute("PRAGMA synchronous=NORMAL")

    def resolve(self, key: str, outcome: Outcome) -> None:
        self._db.execute("UPDATE intents SET outcome = ? WHERE key = ?", (outcome.model_dump_json(), key))

    def intent(self, key: str) -> Intent | None:
        row = self._db.execute("SELECT step, outcome FROM intents WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        outcome = Outcome.model_validate_json(row[1]) if row[1] else None
        return Intent(key=key, step=Step.model_validate_json(row[0]), outcome=outcome)

    # Hand-offs

    def open_handoff(self, handoff: Handoff) -> None:
        self._open[handoff.id] = handoff
        self._db.execute(
            "INSERT OR REPLACE INTO handoffs (id, session, record, opened) VALUES (?, ?, ?, ?)",
            (handoff.id, handoff.session, handoff.model_dump_json(), handoff.opened_at.isoformat()),
        )

    def update_handoff(self, handoff: Handoff) -> None:
        if handoff.id in self._open:
            self._open[handoff.id] = handoff
        self._db.execute("UPDATE handoffs SET record = ? WHERE id = ?", (handoff.model_dump_json(), handoff.id))

    def handoff(self, id: str) -> tuple[Handoff, HandoffState, str]:
        """The record, its state and the operator who claimed it.

        Raises:
            UnknownError: there is no such hand-off.
        """
        row = self._db.execute("SELECT record, state, operator FROM handoffs WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise UnknownError(f"No hand-off {id!r} in this run. Take one of those that wait.")
        return self._open.get(id) or Handoff.model_validate_json(row[0]), row[1], row[2]

    def claim(self, id: str, operator: str) -> None:
        self._db.execute("UPDATE handoffs SET state = 'claimed', operator = ? WHERE id = ?", (operator, id))

    def release(self, id: str) -> None:
        self._db.execute("UPDATE handoffs SET state = 'waiting', operator = '' WHERE id = ? AND state != 'ended'", (id,))

    def end_handoff(self, id: str, ending: str) -> bool:
        """Mark a hand-off as ended; False when it already was, so that only the first ending counts."""
        self._open.pop(id, None)
        changed = self._db.execute(
            "UPDATE handoffs SET state = 'ended', ended = ?, ending = ? WHERE id = ? AND state != 'ended'", (_now(), ending, id)
        )
        return changed.rowcount == 1

    def handoffs(self, *, open_only: bool = False) -> list[tuple[Handoff, HandoffState]]:
        """All hand-offs, or those that have not ended, oldest first."""
        rows = self._db.execute(
            "SELECT record, state FROM handoffs WHERE NOT ? OR state != 'ended' ORDER BY rowid", (open_only,)
        ).fetchall()
        return [(Handoff.model_validate_json(record), state) for record, state in rows]

    def waiting(self) -> list[tuple[Handoff, HandoffState, str]]:
        """The hand-offs that have not ended, oldest first, each with its state and the operator who has it."""
        rows = self._db.execute("SELECT id, state, operator FROM handoffs WHERE state != 'ended' ORDER BY rowid").fetchall()
        return [(self._opened(id), state, operator) for id, state, operator in rows]

    def _opened(self, id: str) -> Handoff:
        """A hand-off that has not ended, parsed once."""
        if id not in self._open:
            row = self._db.execute("SELECT record FROM handoffs WHERE id = ?", (id,)).fetchone()
            self._open[id] = Handoff.model_validate_json(row[0])
        return self._open[id]

    def ending(self, id: str) -> Ending | None:
        """What ended a hand-off, or None while nothing has."""
        row = self._db.execute("SELECT ending FROM handoffs WHERE id = ?", (id,)).fetchone()
        return Ending.model_validate_json(row[0]) if row and row[0] else None

    def handoffs_of(self, session: str) -> list[tuple[str, HandoffState, str]]:
        """Id, state and operator of every hand-off of a session, oldest first."""
        return self._db.execute(
            "SELECT id, state, operator FROM handoffs WHERE session = ? ORDER BY rowid", (session,)
        ).fetchall()

    def count_open(self) -> int:
        """How many hand-offs have not ended."""
        return int(self._db.execute("SELECT COUNT(*) FROM handoffs WHERE state != 'ended'").fetchone()[0])

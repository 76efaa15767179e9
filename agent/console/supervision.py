"""What supervisors look at: how much operators are interrupted, how they decide, and whether they still look."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from sqlite3 import Connection

from schema_extraction.view import Frozen


class Given(Frozen):
    """One answer, as it was written down. `seconds`: from the card's coming up to the answer, 0.0 where that is not known.
    `withdrawn`: it was taken back, or could not leave."""

    handoff: str
    session: str
    process: str
    operator: str
    critical: bool
    kind: str
    reason: str
    seconds: float
    seeded: bool
    withdrawn: bool
    at: datetime


class Group(Frozen):
    """Answers of one operator or process. Shares are None where there is nothing to take a share of. `seeded_caught`: the share
    of wrong suggestions that were not accepted; `rushed`: of accepts given in less than the time that looking takes."""

    name: str
    answers: int
    sessions: int
    accepted: float | None
    edited: float | None
    rejected: float | None
    per_hour: float
    median_seconds: float | None
    rushed: float | None
    seeded: int
    seeded_caught: float | None


class Supervision(Frozen):
    """`agreement`: how far an operator's acceptance is from that of all on the same processes, in points; large either way is
    worth a talk. `reasons`: number of edits and rejections by reason. `withdrawn`: answers that were taken back, or could not
    leave; they count in nothing else."""

    hours: float
    whole: Group
    operators: tuple[Group, ...]
    processes: tuple[Group, ...]
    reasons: tuple[tuple[str, int], ...]
    agreement: tuple[tuple[str, float], ...]
    withdrawn: int


def supervision(db: Connection, hours: float, rushed_seconds: float) -> Supervision:
    """The figures of the last `hours`."""
    since = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    rows = db.execute(
        """SELECT handoff, session, process, operator, critical, kind, reason, seconds, seeded, answers.at AS at,
        withdrawn.why IS NOT NULL AS withdrawn FROM answers LEFT JOIN withdrawn ON withdrawn.answer = answers.rowid
        WHERE answers.at >= ?""",
        (since,),
    )
    everything = [Given.model_validate(dict(row)) for row in rows]
    given = [one for one in everything if not one.withdrawn]
    own = [one for one in given if not one.seeded]
    reasons: dict[str, int] = defaultdict(int)
    for one in own:
        if one.reason:
            reasons[one.reason] += 1

    def groups(by: Callable[[Given], str]) -> tuple[Group, ...]:
        return tuple(_group(name, some, rushed_seconds) for name, some in sorted(_by(given, by).items()))

    return Supervision(
        hours=hours,
        whole=_group("all", given, rushed_seconds),
        operators=groups(lambda one: one.operator),
        processes=groups(lambda one: one.process or "no process"),
        reasons=tuple(sorted(reasons.items(), key=lambda item: -item[1])),
        agreement=tuple((name, _agreement(name, own)) for name in sorted({one.operator for one in own})),
        withdrawn=len(everything) - len(given),
    )


def _by(given: Iterable[Given], by: Callable[[Given], str]) -> dict[str, list[Given]]:
    found: dict[str, list[Given]] = defaultdict(list)
    for one in given:
        found[by(one)].append(one)
    return found


def _share(count: int, of: int) -> float | None:
    return count / of if of else None


def _group(name: str, given: Sequence[Given], rushed_seconds: float) -> Group:
    own, seeded = [one for one in given if not one.seeded], [one for one in given if one.seeded]
    times = [one.seconds for one in given if one.seconds > 0.0]
    accepts = [one for one in given if one.kind == "accept" and one.critical and one.seconds > 0.0]
    worked = (max(one.at for one in given) - min(one.at for one in given)).total_seconds() / 3600 if given else 0.0
    return Group(
        name=name,
        answers=len(own),
        sessions=len({one.session for one in own}),
        accepted=_share(sum(one.kind == "accept" for one in own), len(own)),
        edited=_share(sum(one.kind == "edit" for one in own), len(own)),
        rejected=_share(sum(one.kind == "reject" for one in own), len(own)),
        # From the first answer to the last; a shorter stretch than a quarter of an hour tells nothing of an hour.
        per_hour=len(given) / max(worked, 0.25),
        median_seconds=statistics.median(times) if times else None,
        rushed=_share(sum(one.seconds < rushed_seconds for one in accepts), len(accepts)),
        seeded=len(seeded),
        seeded_caught=_share(sum(one.kind != "accept" for one in seeded), len(seeded)),
    )


def _agreement(operator: str, own: Sequence[Given]) -> float:
    """Acceptance of an operator less what the others accept on the same processes, weighted by the operator's answers; 0.0
    where nobody else has answered there."""
    total, weight = 0.0, 0
    for process, mine in _by((one for one in own if one.operator == operator), lambda one: one.process).items():
        others = [one for one in own if one.process == process and one.operator != operator]
        if others:
            accepted = sum(one.kind == "accept" for one in mine) / len(mine)
            total += len(mine) * (accepted - sum(one.kind == "accept" for one in others) / len(others))
            weight += len(mine)
    return total / weight if weight else 0.0

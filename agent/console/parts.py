"""What the console's application is made of, put together once."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from agent.console.accounts import Accounts
from agent.console.answers import Answers
from agent.console.audit import Audit
from agent.console.database import opened
from agent.console.floor import Floor
from agent.console.hub import Hub
from agent.console.logins import Logins
from agent.console.seeded import Seeds
from agent.console.settings import ConsoleSettings
from agent.console.throttle import Throttle
from agent.console.tokens import Tokens
from agent.console.webhook import Webhook
from agent.desk import Change, Desk
from agent.runner import Runner
from agent.store import Store


@dataclass(frozen=True)
class Parts:
    settings: ConsoleSettings
    db: Connection
    accounts: Accounts
    logins: Logins
    tokens: Tokens
    audit: Audit
    throttle: Throttle
    hub: Hub
    floor: Floor
    answers: Answers

    def webhook(self, address: str) -> Webhook | None:
        """What tells another system of new hand-offs, where one is set. `address`: the console's own."""
        if not self.settings.webhook:
            return None
        key = self.settings.webhook_key.get_secret_value()
        return Webhook(self.settings.webhook, key, address, self.floor.store, self.floor.desk, self.audit)

    def close(self) -> None:
        """End the live streams, drop what is held, close the database."""
        self.hub.close()
        self.answers.close()
        self.db.close()


def with_runner(settings: ConsoleSettings, runner: Runner) -> Parts:
    """The console of a run whose agents work in this process.

    Raises:
        ConsoleError: the database cannot be used.
    """
    parts = _made(settings, runner.store, runner.desk, runner)

    def moved(id: str, change: Change) -> None:
        _, _, operator = runner.store.handoff(id)
        parts.hub.publish("handoff", id=id, change=change, operator=operator)

    runner.desk.watch(moved)
    runner.watch(lambda state: parts.hub.publish("state", **state.model_dump()))
    return parts


def without_agents(settings: ConsoleSettings, store: Store) -> Parts:
    """The console of a run whose agents do not work now: everything can be seen, nothing answered.

    Raises:
        ConsoleError: the database cannot be used.
    """
    return _made(settings, store, Desk(), None)


def _made(settings: ConsoleSettings, store: Store, desk: Desk, runner: Runner | None) -> Parts:
    db = opened(settings.accounts)
    audit, hub = Audit(db), Hub()
    floor = Floor(
        store,
        runner.settings.run_dir if runner else store.folder,
        runner.settings.stage if runner else "",
        db,
        Seeds(settings.seeded_rate, settings.seed),
        desk,
        runner.worker.lives if runner else None,
    )
    return Parts(
        settings=settings,
        db=db,
        accounts=Accounts(db),
        logins=Logins(db, settings.idle_seconds, settings.login_seconds),
        tokens=Tokens(db),
        audit=audit,
        throttle=Throttle(),
        hub=hub,
        floor=floor,
        answers=Answers(floor, db, audit, hub, settings.undo_seconds),
    )

"""Wakes a workflow of this process for a message that has just been written down for it.

The durable engine tells waiting workflows of messages by asking the database again and again, since SQLite notifies nobody. A
message that comes from this very process need not wait for that. The waiter then reads the database as ever, so that to wake it
once too often, or not at all, changes nothing but the time.
"""

from __future__ import annotations

from dbos._dbos import _get_dbos_instance


def wake(workflow: str, topic: str) -> None:
    """Have the workflow look for a message on `topic` now, if it waits for one here."""
    # DBOS 3 has no call for this: its own listener signals the same event. The pin in requirements.lock keeps it so, and
    # tests/agent/test_wake.py notices when it is not.
    signal = _get_dbos_instance()._sys_db.notifications_map.get(f"{workflow}::{topic}")
    if signal is not None:
        signal.set()

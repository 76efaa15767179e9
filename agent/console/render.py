"""Templates, and the filters that put times and numbers into words."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from agent.console.accounts import ROLES
from agent.words import describe
from policies.feedback import Reason

REASONS = {
    Reason.WRONG_ACTION: "Wrong action",
    Reason.WRONG_VALUE: "Wrong value",
    Reason.WRONG_WORDING: "Wrong wording",
    Reason.PREFERENCE: "Right, but I prefer another way",
    Reason.OPTIONAL_STEP: "Not needed",
    Reason.ENVIRONMENT: "The application misbehaves",
    Reason.OTHER: "Something else",
}
"""In the words of the list that operators choose from."""


def span(seconds: float) -> str:
    """A time span, e.g. ``45 s``, ``12 min``, ``3 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def clock(moment: datetime | str) -> str:
    """A moment as ``2026-05-31 14:05:09 UTC``."""
    found = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{found:%Y-%m-%d %H:%M:%S} UTC"


def moment(text: str) -> str:
    """A time as a page tells it, shorter where it is in ISO 8601: ``31 May 14:05``."""
    try:
        return f"{datetime.fromisoformat(text):%d %b %H:%M}"
    except ValueError:
        return text


def words(name: str) -> str:
    """`send_message` as ``send message``."""
    return name.replace("_", " ")


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("agent.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"span": span, "clock": clock, "moment": moment, "words": words, "described": describe}
    made.globals |= {"REASONS": REASONS, "ROLES": ROLES}
    return made


def rendered(template: str, **context: Any) -> str:
    """One page, or part of one whose name begins with an underscore."""
    return environment().get_template(template).render(**context)

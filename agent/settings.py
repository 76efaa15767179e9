"""Settings of a run: small frozen objects, built once at the command line or by the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from schema_extraction.profile import Profile
from schema_extraction.view import Frozen

Stage = Literal["copilot", "calibrating", "selective"]


class Limits(Frozen):
    """What a session may do before an operator has to look. Seconds are of wall-clock time.

    `steps`: agent's steps since an operator last helped. `session_seconds`: the agent's own working time since then,
    waiting for operators not counted. `repeats`: times the same action may be taken on the same view. `failures`: times
    an action in a row may come to nothing. `busy_seconds`: how long a busy page may stay busy. `wait_seconds`: how long
    a `wait` waits for the page to change.
    """

    steps: int = 60
    session_seconds: float = 900.0
    repeats: int = 2
    failures: int = 2
    busy_seconds: float = 30.0
    wait_seconds: float = 10.0


class TakeoverSettings(Frozen):
    """Of an operator who drives a page; in seconds. `take`: how long the agent may need to come to the end of its step.
    `vanish`: how long the operator may be unheard of; `idle`: how long they may be there and do nothing."""

    take: float = 60.0
    vanish: float = 30.0
    idle: float = 600.0


class Credentials(Frozen):
    """The agent's own account in the application. The password is masked in `repr`."""

    username: str
    password: SecretStr


class RunSettings(Frozen):
    """One run. `concurrency`: sessions that work at the same time; `open_pages`: pages kept open, those that wait for an
    operator included (0: three for each working session). `devtools_port`: 0 picks a free one."""

    profile: Profile
    run_dir: Path
    stage: Stage = "copilot"
    concurrency: int = Field(default=2, ge=1)
    open_pages: int = Field(default=0, ge=0)
    headed: bool = False
    devtools_port: int = 0
    attach: str = ""
    """The DevTools endpoint of a person's own browser to work in, in windows of its own; empty: a browser is started."""
    isolate_sites: bool = True
    """See `BrowserSettings`; an application without frames of other sites can do without."""
    credentials: Credentials | None = None
    operator: str = "operator"
    """Who is named to the application when somebody works in a handed-off page without having claimed it."""
    pictures: bool = True
    """Whether every hand-off gets a screenshot of its page."""
    limits: Limits = Limits()
    takeover: TakeoverSettings = TakeoverSettings()

    @property
    def page_limit(self) -> int:
        return self.open_pages or 3 * self.concurrency

"""The effect of a press: the page before and after it, and what the press set off in between."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Frame

from browser.errors import PageError, moved_on
from browser.perform.ground import Ground, Located
from browser.traffic import Exchange
from schema_extraction.action import Outcome
from schema_extraction.profile import ControlPattern
from schema_extraction.view import Control, Notice, View

MARK = """element => {
  globalThis[Symbol.for("casepilot.settle")]?.mark(element);
  globalThis[Symbol.for("casepilot.widgets")]?.mark(element);
}"""
REPORT = """() => [globalThis[Symbol.for("casepilot.settle")]?.report() ?? null,
  globalThis[Symbol.for("casepilot.widgets")]?.report() ?? null]"""
NO = re.compile(
    r"(?i)\b(not|no|cannot|can't|couldn't|unable|fail(ed|s|ure)?|errors?|invalid|denied|refused|rejected|forbidden|wrong|expired|missing"
    r"|must|nicht|kein\w*|fehl\w*|ungültig\w*|échou\w*|erreur|impossible|invalide|no se|error|fallo)\b"
)
"""Words of an alert that says no. Only where an alert is all that came of a click does it depend on them."""
ABORTED = "ERR_ABORTED"  # the page itself dropped the request, most often because it moved on


class Watch:
    """Watches from just before a press. `begin`, press, then `judge`."""

    def __init__(self, ground: Ground, before: View) -> None:
        self.ground = ground
        self.before = before
        self.serial = ground.traffic.serial
        self.navigations = ground.traffic.navigations
        self.left = ground.traffic.left
        self.dialogs = len(ground.dialogs.heard)
        self.frame: Frame | None = None
        self.mutated = False
        self.received = False
        self.invalid: tuple[str, ...] = ()
        self.said_then = ("", "")
        self.flashed = ""  # what the page said at the click, though it may be gone

    async def begin(self, located: Located) -> None:
        self.frame = located.frame
        await located.handle.evaluate(MARK)

    async def rest(self) -> None:
        """Wait for the page to come to rest, and fetch what it noted of the press."""
        rest = await self.ground.rest()
        if self.frame is self.ground.page.main_frame and rest.report is not None:
            self._take(*rest.report)
        await self.collect()

    async def collect(self) -> None:
        """Fetch what the page noted of the press; a page that has moved on noted nothing, and that is effect enough."""
        if self.frame is None:
            return
        try:
            self._take(*await self.frame.evaluate(REPORT))
        except PlaywrightError as error:
            if not moved_on(error) and not self.frame.is_detached():
                raise PageError(f"The page {self.ground.page.url!r} is gone: {str(error).splitlines()[0]}") from error
            self.frame = None

    def _take(self, report: dict[str, Any] | None, pressed: dict[str, Any] | None) -> None:
        self.frame = None
        if pressed:
            self.mutated, self.flashed = pressed["changed"], pressed["flashed"]
            self.said_then = (pressed["before"], pressed["then"] or pressed["before"])
        if report:
            self.received = report["received"]
            self.invalid = tuple(f"{i['name']}: {i['message']}".lstrip(": ") for i in report["invalid"])

    def exchanges(self) -> list[Exchange]:
        return self.ground.traffic.since(self.serial)

    async def answered(self) -> bool:
        """Wait for what the press sent; False when the application has not answered in time."""
        deadline = time.monotonic() + self.ground.hands.answer
        return await self.ground.traffic.answered(self.serial, deadline)

    def asked(self) -> str | None:
        """The text of a browser dialog that asked something, and was told no."""
        return next((heard.text for heard in self.ground.dialogs.heard[self.dialogs :] if heard.asks), None)

    def told(self) -> str:
        """The texts of alerts of the browser."""
        return " ".join(heard.text for heard in self.ground.dialogs.heard[self.dialogs :] if not heard.asks)

    def broken(self) -> Outcome | None:
        """What the application's answers alone say: a refusal, or that nobody can tell what became of it."""
        for exchange in self.exchanges():
            lost = exchange.failure and ABORTED not in exchange.failure
            if exchange.writes or exchange.kind == "document":
                said = f"{exchange.method} {exchange.place[1]}"
                if lost:
                    return Outcome(result="unknown", message=f"{said} failed: {exchange.failure}. Look at the case first.")
                if exchange.status >= 500:
                    return Outcome(result="unknown", message=f"{said} was answered {exchange.status}. Look at the case first.")
            if exchange.writes and exchange.status >= 400:
                return Outcome(result="refused", message=f"{said} was answered {exchange.status}.")
        return None

    async def objection(self) -> Outcome | None:
        """What was said against an entry while it was made: a question of the browser, or the application's own answer."""
        if asked := self.asked():
            return Outcome(result="refused", message=f"The browser asked, and was told no: {asked}")
        if not await self.answered():
            return Outcome(result="unknown", message="The application has not answered yet. Look at the case first.")
        return self.broken()

    async def worded(self, outcome: Outcome) -> Outcome:
        """The outcome, with what the page and the browser said meanwhile."""
        try:
            words = " ".join(
                n.text for n in new_notices(self.before, await self.ground.view()) if n.text not in outcome.message
            )
        except PageError:
            words = ""
        outcome = self.said(outcome)
        return outcome.model_copy(update={"message": f"{words} ({outcome.message})"}) if words else outcome

    def said(self, outcome: Outcome) -> Outcome:
        """The outcome, with what the browser was made to say meanwhile."""
        told = self.told()
        return outcome.model_copy(update={"message": f"{outcome.message} The browser said: {told}"}) if told else outcome

    def moved(self) -> bool:
        """Whether the page navigated or the press sent something, a window or a file came of it."""
        return (
            self.ground.traffic.navigations > self.navigations or bool(self.exchanges()) or self.ground.traffic.left > self.left
        )

    def signed_out(self, after: View) -> bool:
        """Whether the page asks for the login's password, and did not before."""
        login = self.ground.profile.login
        return login is not None and _asks(after, login.password) and not _asks(self.before, login.password)


def _asks(view: View, password: ControlPattern) -> bool:
    return any(password.matches(control) for control in view.controls)


async def judge(watch: Watch, located: Located, critical: bool) -> Outcome:
    """What came of the press on `located`, once the page is at rest."""
    ground = watch.ground
    loop = asyncio.get_running_loop()
    deadline = loop.time() + ground.hands.patience
    after = await _after(watch)
    while not isinstance(after, Outcome):
        verdict = _verdict(watch, located, after, critical)
        left = deadline - loop.time()
        if verdict.result != "no_effect":
            return verdict
        if left <= 0 or not await ground.changed(left):
            return _verdict(watch, located, after, critical)  # a window that it opened tells of itself late
        after = await _after(watch)
    return after


async def _after(watch: Watch) -> View | Outcome:
    """The view after the press, or the outcome where there is none to be had."""
    try:
        await watch.rest()
        if not await watch.answered():
            return Outcome(result="unknown", message="The application has not answered yet. Look at the case first.")
        return await watch.ground.view()
    except PageError as error:
        return Outcome(result="unknown", message=str(error))


def _verdict(watch: Watch, located: Located, after: View, critical: bool) -> Outcome:
    name = located.control.name or located.control.key
    if asked := watch.asked():
        return Outcome(result="refused", message=f"The browser asked, and was told no: {asked}")
    notices = new_notices(watch.before, after)
    words = " ".join([*(n.text for n in notices), watch.told()]).strip()
    flashed = "" if watch.flashed in words else watch.flashed
    if (broken := watch.broken()) is not None:
        return broken.model_copy(update={"message": f"{words} ({broken.message})"}) if words else broken
    if watch.invalid:
        return Outcome(result="refused", message="; ".join(watch.invalid))
    if watch.signed_out(after):
        return Outcome(result="unknown", message="The application signed us out. Sign in and look at the case first.")
    was, became = watch.said_then
    if not _alike(was, became):
        return Outcome(result="unknown", message=f"{was!r} said {became!r} when it was clicked. Look at the case first.")
    if critical and (refusal := refused(watch, after, located.control.key)):
        return Outcome(result="refused", message=refusal)
    key = located.control.key
    alerts = " ".join(n.text for n in notices if n.kind == "alert")
    if not watch.moved() and not differs(watch.before, after, prose=False, pressed=key) and NO.search(f"{alerts} {flashed}"):
        return Outcome(result="refused", message=f"{words} {flashed}".strip())
    if watch.moved() or differs(watch.before, after, prose=not critical, pressed=key) or (watch.mutated and not critical):
        return Outcome(result="done", message=words)
    if watch.told():
        return Outcome(result="refused" if critical else "no_effect", message=f"Nothing changed, but the browser said: {words}")
    heard = "" if watch.received else " The page did not even receive the click."
    return Outcome(result="no_effect", message=f"Nothing on the page changed after {name!r} was clicked.{heard}")


def _alike(was: str, became: str) -> bool:
    """Whether a button says the same, numbers and what opened in it aside."""
    first, second = (" ".join(re.findall(r"[^\W\d_]+", text.casefold())) for text in (was, became))
    return first in second or not first


def refused(watch: Watch, after: View, key: str) -> str:
    """The page's words where it says no to a press on the control `key`, else "".

    An alert may as well bring good news, so one alone is a refusal only while what was pressed is still there to press.
    """
    notices = new_notices(watch.before, after)
    stays = after.control(key) is not None
    words = [n.text for n in notices if n.kind == "validation" or (n.kind == "alert" and stays)]
    fields = [c for c in after.controls if c.invalid and not _was_invalid(watch.before, c)]
    words += [f"{c.name}: {c.message}".rstrip(": ") for c in fields if not any(c.message and c.message in w for w in words)]
    if stays and watch.told():
        words.append(watch.told())
    if not words and stays and watch.moved() and not differs(watch.before, after, prose=False):
        # Sent again, refused again in the same words.
        words = [n.text for n in after.notices if n.kind in ("validation", "alert")]
    return " ".join(words)


def _was_invalid(before: View, control: Control) -> bool:
    earlier = before.control(control.key)
    return earlier is not None and earlier.invalid


def new_notices(before: View, after: View) -> list[Notice]:
    """The notices of `after` that `before` does not show."""
    old = {(n.text, n.control) for n in before.notices}
    return [n for n in after.notices if (n.text, n.control) not in old]


def differs(before: View, after: View, prose: bool = True, pressed: str = "") -> bool:
    """Whether the page shows something else. Messages and notices come by themselves, so they prove nothing; `prose` is
    whether text outside of facts and controls counts. That what was `pressed` shuts itself off proves nothing either."""
    return _shown(before, prose, pressed, before) != _shown(after, prose, pressed, before)


def _shown(view: View, prose: bool, pressed: str, before: View) -> tuple[object, ...]:
    controls = tuple(
        (c.key, c.value.raw if c.value else "", c.checked, c.key != pressed and c.disabled, c.readonly, c.expanded, _offered(c))
        for c in view.controls
    )
    if (button := before.control(pressed)) is not None and view.control(pressed) is None:
        # The same button, shut off under another name such as "Sending...".
        mute = [c.key for c in view.controls if c.disabled and c.role == button.role and before.control(c.key) is None]
        same = (pressed, "", button.checked, False, button.readonly, button.expanded, ())
        controls = tuple(same if len(mute) == 1 and shown[0] == mute[0] else shown for shown in controls)
    facts = tuple((f.key, f.value.raw) for f in view.facts)
    shown = (view.path.rstrip("#"), view.title, view.case_id, view.closed, view.dialog, controls, facts, view.tables)
    return (*shown, view.sections) if prose else shown


def _offered(control: Control) -> tuple[tuple[str, bool, bool], ...]:
    return tuple((option.label, option.selected, option.disabled) for option in control.options)

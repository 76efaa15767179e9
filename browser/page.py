"""The page of one session: opening cases, the view of it, and acting on it."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import quote, urljoin, urlsplit
from weakref import WeakKeyDictionary

from asyncio_throttle import Throttler
from loguru import logger
from playwright.async_api import Browser, Page, Response, StorageState
from playwright.async_api import Error as PlaywrightError

from browser import capture, wire
from browser.capture import CaptureSettings
from browser.dialogs import Dialogs
from browser.errors import PageError, SignInError
from browser.overlay import Overlay
from browser.perform import ground, perform
from browser.perform.ground import HandSettings
from browser.recorder import Recorder
from browser.session import new_window
from browser.settle import Rest, Settler, SettleSettings
from browser.traffic import Traffic
from schema_extraction.action import Action, Click, Fill, Outcome, Target
from schema_extraction.errors import SnapshotError
from schema_extraction.live import Live
from schema_extraction.profile import ControlPattern, Login, Profile
from schema_extraction.snapshot import Snapshot
from schema_extraction.view import Control, Frozen, View

JPEG_QUALITY = 80
AT_ONCE = 0.01  # seconds after a page has come to rest in which it is not asked once more whether it still is
JUST_NOW = 0.5  # seconds after the bound was hit in which a page is not waited for once more


class PageSettings(Frozen):
    """`open_seconds`: how long an address may take to answer."""

    open_seconds: float = 20.0
    capture: CaptureSettings = CaptureSettings()
    settle: SettleSettings = SettleSettings()
    hands: HandSettings = HandSettings()


_throttles: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Any]] = WeakKeyDictionary()


def throttle(profile: Profile) -> Any:
    """The gate that all pages of one host share: an asynchronous context manager."""
    hosts = _throttles.setdefault(asyncio.get_running_loop(), {})
    host = urlsplit(profile.base_url).netloc
    if host not in hosts:
        hosts[host] = Throttler(max(1, round(profile.requests_per_second)))
    return hosts[host]


class CasePage:
    """Drives one page by one profile. Make it with `new_case_page`, or `install()` it on a page before that is used. `shared`:
    its context is a person's own, whose other tabs are left alone."""

    def __init__(self, page: Page, profile: Profile, settings: PageSettings = PageSettings(), *, shared: bool = False) -> None:
        self.page = page
        self.shared = shared
        self.profile = profile
        self.settings = settings
        self.hands = settings.hands
        self.dialogs = Dialogs(page, lambda: self.recorder.listening)
        self.traffic = Traffic(page)
        self.settler = Settler(page, self.traffic, settings.settle)
        self.overlay = Overlay(page)
        self.recorder = Recorder(page, profile, alone=shared)
        self.sight = capture.Sight(page, settings.capture)
        self._live = Live(profile)
        self._last: View | None = None
        self._stamp: tuple[str, ...] = ()
        self._settled = Rest()
        self._ready: asyncio.Task[None] | None = None
        self._overdue = False  # the last view was taken at the bound, before the page had come to rest

    async def install(self) -> None:
        """Put the in-page parts into every document that the page opens from now on."""
        await capture.install(self.page)
        await self.settler.install()
        await self.page.add_init_script(script=ground.script())

    # Going places

    async def goto(self, path: str) -> None:
        """Open an address, relative to the profile's, and wait until the page is at rest.

        Raises:
            PageError: nobody answers there, the address is unknown (404), or the server fails (5xx).
        """
        url = urljoin(self.profile.base_url.rstrip("/") + "/", path.lstrip("/") if "://" not in path else path)
        heard = len(self.dialogs.heard)
        try:
            async with throttle(self.profile):
                response = await self._goto(url)
        except PlaywrightError as error:
            if asked := self.dialogs.heard[heard:]:
                raise PageError(
                    f"The page would not be left: {asked[0].text!r} Submit or clear what was typed first."
                ) from error
            if self.traffic.crashed:
                raise PageError(f"Cannot open {url!r}: the page has crashed; open another.") from error
            first = str(error).strip().splitlines()[0].removeprefix("Page.goto: ")
            raise PageError(f"Cannot open {url!r}: {first}. Is the application running at {self.profile.base_url}?") from error
        if response is not None and (response.status in (404, 410) or response.status >= 500):
            raise PageError(
                f"{url!r} was answered {response.status} {response.status_text}. Check the address and the application."
            )
        await self.settle()

    async def _goto(self, url: str) -> Response | None:
        deadline = time.monotonic() + self.settings.open_seconds
        while True:
            left = max(0.1, deadline - time.monotonic())
            try:
                return await self.page.goto(url, wait_until="domcontentloaded", timeout=left * 1000)
            except PlaywrightError as error:
                # The error page of an address that could not be opened before has come only now, or the page went on by itself.
                if "interrupted by another navigation" not in str(error) or time.monotonic() >= deadline:
                    raise

    async def open_case(self, case_id: str) -> None:
        """Open the page of a case.

        Raises:
            PageError: the profile has no case page, or it cannot be opened.
        """
        if self.profile.case is None:
            raise PageError(f"Profile {self.profile.name!r} does not say where cases are; give it `case.path`.")
        await self.goto(self.profile.case.path.replace("{case_id}", quote(case_id, safe="")))

    async def sign_in(self, username: str, password: str) -> None:
        """Sign in by the profile's login page; a login that still stands is left as it is.

        Raises:
            SignInError: the application refuses, or its login page is not as the profile says.
            PageError: the login page cannot be opened.
        """
        login = self.profile.login
        if login is None:
            raise SignInError(f"Profile {self.profile.name!r} has no login; give it `login`.")
        await self.goto(login.path)
        view = await self.view()
        if _signed_in(view, login, login.path):
            return
        asked_at = view.path
        for pattern, text in ((login.username, username), (login.password, password)):
            view = await self.view()
            field = self._field(view, pattern)
            outcome = await self.perform(view, Fill(target=field, value=text))
            if not outcome.ok:
                raise SignInError(f"Cannot fill the login page's {pattern.name!r}: {outcome.message}")
        view = await self.view()
        outcome = await self.perform(view, Click(target=self._field(view, login.submit)))
        view = await self.view()
        if not _signed_in(view, login, asked_at):
            words = " ".join(notice.text for notice in view.notices) or outcome.message
            raise SignInError(
                f"{self.profile.base_url} refused the login of {username!r}: {words} Check the user name and password."
            )

    def _field(self, view: View, pattern: ControlPattern) -> Target:
        control = _find(view, pattern)
        if control is None:
            raise SignInError(
                f"The login page {view.path!r} has no {pattern.role} {pattern.name!r}; correct `login` in the profile."
            )
        return Target(key=control.key, role=control.role, name=control.name, ref=control.ref)

    async def storage_state(self) -> StorageState:
        """The login of this page's context, to open others with."""
        return await self.page.context.storage_state()

    async def set_operator(self, name: str | None) -> None:
        """Tell the application who stands behind the requests from now on; None: nobody but the agent."""
        if self.profile.operator_header:
            await self.page.set_extra_http_headers({self.profile.operator_header: name} if name else {})

    # Looking

    async def settle(self, timeout: float | None = None) -> bool:
        """Wait until the page is at rest; False when `timeout` seconds (by default `SettleSettings.limit`) went by first.

        Raises:
            PageError: the page is gone.
        """
        return (await self._rest(self.settings.settle.limit if timeout is None else timeout, fresh=True)).quiet

    async def rest(self) -> Rest:
        """Like `settle`, with what the main document noted of the last click.

        Raises:
            PageError: the page is gone.
        """
        return await self._rest(self.settings.settle.limit, fresh=True, report=True)

    async def _rest(self, timeout: float, fresh: bool, report: bool = False) -> Rest:
        if await self.dialogs.look() is not None:
            return Rest()
        self._settled = await self.settler.settle(timeout, fresh, report, self._read_ahead)
        return self._settled

    async def _read_ahead(self) -> None:
        """Read the page while it waits for an answer: after that, only what the answer has changed is left to read."""
        try:
            await self._look()
        except PageError:
            pass  # the look that counts will say so

    async def snapshot(self) -> Snapshot:
        """The page as it is now.

        Raises:
            PageError: the page is gone.
        """
        return await capture.capture(self.page, await self.dialogs.look(), self.settings.capture)

    async def view(self) -> View:
        """The view of the page at rest; the last one again while nothing has changed since. A page that does not come to rest
        within `SettleSettings.limit` is shown as it then is, and busy.

        Raises:
            PageError: the page is gone.
        """
        moved = self._overdue or (self._settled.stamp and self._settled.stamp != self._stamp)
        if not moved and self._last is not None and await self.current(self._last):
            return self._last
        rest = await self._known_rest()
        view = await self._look()
        self._overdue = not rest.quiet and not (view.dialog is not None and view.dialog.kind == "native")
        self._last, self._stamp = view.model_copy(update={"busy": True}) if self._overdue else view, rest.stamp
        return self._last

    async def _look(self) -> View:
        dialog = await self.dialogs.look()
        try:
            found = await self.sight.look(dialog)
            if isinstance(found, Snapshot) and dialog is None:
                self._ready = asyncio.create_task(self._get_ready())
                await asyncio.sleep(0)  # it is sent before this thread begins to read
            return self._live.read(found)
        except (LookupError, SnapshotError) as error:
            # Changes that do not fit the page that is known: the page is the truth, so read all of it.
            logger.warning("Changes of {!r} could not be followed ({!r}); the whole page is read", self.page.url, error)
            self.sight.forget()
            return self._live.read(await self.sight.look(dialog))
        except PageError as error:
            if self.traffic.crashed:
                raise PageError(f"The page {self.page.url!r} crashed; open another.") from error
            if (opened := await self.dialogs.look()) is not None:
                return self._live.read(await self.sight.look(opened))  # it came up while the page was read
            if (address := self.traffic.leaving_for()) is not None:
                # The browser lets nobody look at a page that it is about to replace.
                raise PageError(
                    f"The page {self.page.url!r} is on its way to {address!r}, which does not answer; wait, or open it again."
                ) from error
            raise

    async def _get_ready(self) -> None:
        """Have the browser put in what Playwright needs to act on a new document, while that is read: 16 ms of the first action
        otherwise."""
        try:
            if root := await self.page.query_selector(":root"):
                await root.dispose()
        except PlaywrightError:
            pass  # the document has gone again

    async def _known_rest(self) -> Rest:
        """How the page has come to rest, without waiting again where it has just been waited for."""
        settled, self._settled = self._settled, Rest()
        if settled.quiet and time.monotonic() - settled.at < AT_ONCE and not self.traffic.busy():
            return settled
        if settled.stamp:
            stamp = await self.settler.stamp()
            if not settled.quiet and time.monotonic() - settled.at < JUST_NOW:
                return Rest(stamp=stamp)
            if settled.quiet and stamp == settled.stamp and not self.traffic.busy():
                return settled
        return await self._rest(self.settings.settle.limit, fresh=False)

    async def current(self, view: View) -> bool:
        """Whether nothing changed on the page since `view`, the last one, was taken."""
        if view is not self._last and view != self._last:
            return False
        if not self._stamp or self.traffic.busy() or await self.dialogs.look() is not None:
            return False
        return await self.settler.stamp() == self._stamp

    async def likely(self, view: View) -> str | None:
        """The stamp that the main document still has if nothing changed since `view`; None where something has."""
        if len(self._stamp) > 1:  # frames have stamps of their own
            return self._stamp[0] if await self.current(view) else None
        if view is not self._last and view != self._last:
            return None
        if not self._stamp or self.traffic.busy() or await self.dialogs.look() is not None:
            return None
        return self._stamp[0]

    async def changed(self, timeout: float) -> bool:
        """Wait until the page differs from the last view, or has come to rest where it had not; at most `timeout` seconds.
        Take a view before the next call.

        Raises:
            PageError: the page is gone.
        """
        if self._overdue:
            rest = await self._rest(timeout, fresh=False)
            return rest.quiet or rest.stamp != self._stamp
        stamp = self._stamp or await self.settler.stamp()
        return await self.settler.changed(stamp, timeout)

    async def find_row(self, text: str) -> View | None:
        """Scroll to the first table row that says `text`, also one beyond the rows of the view; the view from there.

        None where no table has such a row.

        Raises:
            PageError: the page is gone.
        """
        if await self.dialogs.look() is not None or not await capture.scroll_to_row(self.page, text):
            return None
        self._last = None  # scrolling changes nothing that the page's stamp tells
        return await self.view()

    async def screenshot(self, ref: str | None = None) -> bytes:
        """A JPEG of the page, which costs half the time of a PNG, with the field `ref` outlined."""
        try:
            if ref is None or self.overlay.shown:
                return await self.page.screenshot(type="jpeg", quality=JPEG_QUALITY, caret="initial")
            await self.overlay.outline(ref)
            try:
                return await self.page.screenshot(type="jpeg", quality=JPEG_QUALITY, caret="initial")
            finally:
                await self.overlay.hide()
        except PlaywrightError as error:
            raise PageError(f"Cannot take a picture of {self.page.url!r}: {str(error).splitlines()[0]}") from error

    # Acting

    async def perform(self, view: View, action: Action) -> Outcome:
        """Carry out an action chosen on `view`; see `browser.perform`. The recorder looks away meanwhile."""
        started = time.monotonic()
        async with self.recorder.blind(), throttle(self.profile):
            outcome = await perform(self, view, action)
        return outcome.model_copy(update={"seconds": round(time.monotonic() - started, 4)})

    async def clear(self) -> None:
        """Leave the case, so that another may be worked on this page; the page is closed where it cannot be left.

        Raises:
            PageError: the page could not be left.
        """
        self.recorder.on_step = self.recorder.on_held = None
        self._last, self._stamp, self._settled, self._overdue = None, (), Rest(), False
        try:
            if self.recorder.started:
                await self.recorder.pause()
            await self.overlay.hide()
            await self.set_operator(None)
            await self.page.goto("about:blank")
        except PlaywrightError as error:
            await self.close()
            raise PageError(f"Cannot leave {self.page.url!r}: {str(error).splitlines()[0]}") from error

    async def close(self) -> None:
        """Close the page, and its context if that is its own."""
        if self._ready is not None:
            self._ready.cancel()
        try:
            await self.recorder.stop()
            await (self.page if self.shared else self.page.context).close()
        except PlaywrightError as error:
            if "closed" not in str(error):
                raise PageError(f"Cannot close the page: {str(error).splitlines()[0]}") from error


def _find(view: View, pattern: ControlPattern) -> Control | None:
    return next((control for control in view.controls if pattern.matches(control)), None)


def _signed_in(view: View, login: Login, path: str) -> bool:
    """Whether the page asks for no password and is elsewhere than at the login page `path`, or is the application's own start
    page at the same address: one that has controls, none of the login's, and says nothing against it."""
    if _find(view, login.password) is not None or any(control.sensitive for control in view.controls):
        return False
    if view.path.split("?")[0].rstrip("/") != path.split("?")[0].rstrip("/"):
        return True
    asked = _find(view, login.username) is not None or _find(view, login.submit) is not None
    return bool(view.controls) and not asked and not any(notice.kind == "alert" for notice in view.notices)


async def new_case_page(
    browser: Browser,
    profile: Profile,
    storage_state: StorageState | None = None,
    settings: PageSettings = PageSettings(),
    *,
    shared: bool = False,
) -> CasePage:
    """A page in a context of its own, with the login that `storage_state` holds; `shared`: a window beside those of the person
    whose browser it is, with their login.

    Raises:
        PageError: the browser is gone.
    """
    try:
        if shared:
            made = CasePage(await new_window(browser), profile, settings, shared=True)
            await wire.keep_focus(made.page)
            await made.install()
            return made
        context = await browser.new_context(storage_state=storage_state)
        made = CasePage(await context.new_page(), profile, settings)
        await made.install()
    except PlaywrightError as error:
        raise PageError(f"Cannot open a page: {str(error).splitlines()[0]} Start the browser again.") from error
    return made

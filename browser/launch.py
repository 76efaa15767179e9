"""Find and start a Chromium."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.async_api import Browser, Playwright
from playwright.async_api import Error as PlaywrightError

from browser.errors import LaunchError
from browser.wire import listens
from schema_extraction.view import Frozen

CHROMIUM_ENV = "CASEPILOT_CHROMIUM"
# The headless shell opens windows and pages in half the time, having none of a desktop browser's own interface.
HEADLESS_NAMES = ("chromium-headless-shell", "chrome-headless-shell")
SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
# A work browser has no need to talk to anybody but the application.
QUIET_ARGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
)


class BrowserSettings(Frozen):
    """`devtools_port`: also listen for other DevTools clients on this loopback port (0: none). `isolate_sites`: frames of other
    sites run in processes of their own, as in desktop browsers, so that one that hangs does not stop the page around it; a
    headless shell needs some 8% more time for its pages then."""

    headed: bool = False
    executable: Path | None = None
    devtools_port: int = 0
    isolate_sites: bool = True


def find_chromium(headed: bool = False) -> Path | None:
    """The Chromium to use: `$CASEPILOT_CHROMIUM`, else one on PATH (for headless use a headless shell if there is one), else
    None (Playwright's own is then tried)."""
    if named := os.environ.get(CHROMIUM_ENV):
        return Path(named)
    names = SYSTEM_NAMES if headed else HEADLESS_NAMES + SYSTEM_NAMES
    found = next((path for name in names if (path := shutil.which(name))), None)
    return Path(found) if found else None


def launch_args(settings: BrowserSettings) -> list[str]:
    """Command-line switches. Chromium's sandbox does not start for root, so it is switched off for root alone."""
    args = list(QUIET_ARGS)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        args.append("--no-sandbox")
    if settings.isolate_sites:
        args.append("--site-per-process")
    if settings.devtools_port:
        args += [f"--remote-debugging-port={settings.devtools_port}", "--remote-debugging-address=127.0.0.1"]
    return args


async def launch(playwright: Playwright, settings: BrowserSettings = BrowserSettings()) -> Browser:
    """Start a browser.

    Raises:
        LaunchError: there is none, or it does not start (headed without a display, for instance).
    """
    executable = settings.executable or find_chromium(settings.headed)
    if settings.headed and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY") and os.name == "posix":
        raise LaunchError("No display for a headed browser. Run without --headed, or under `xvfb-run -a`.")
    try:
        browser = await playwright.chromium.launch(
            headless=not settings.headed,
            executable_path=executable,
            args=launch_args(settings),
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )
    except PlaywrightError as error:
        first = str(error).strip().splitlines()[0]
        raise LaunchError(
            f"Cannot start Chromium ({executable or 'the one of Playwright'}): {first} "
            f"Install it with `apt-get install chromium` or `playwright install chromium`, or set {CHROMIUM_ENV}."
        ) from error
    if settings.devtools_port:
        listens(browser, f"http://127.0.0.1:{settings.devtools_port}")
    return browser

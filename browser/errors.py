"""Errors of this package.

CasepilotError
└── BrowserError
    ├── LaunchError       no browser could be found or started
    ├── PageError         the address cannot be opened, or the page or its browser is gone
    ├── SignInError       the application refused the login
    └── StaleRefError     a ref does not name an element of the present page; capture again
"""

from playwright.async_api import Error as PlaywrightError

from schema_extraction.errors import CasepilotError

_GONE = (
    "context was destroyed",
    "cannot find context",
    "cannot find default execution context",
    "frame was detached",
    "frame got detached",
    "frame detached",
    "navigat",
)


class BrowserError(CasepilotError):
    pass


class LaunchError(BrowserError):
    pass


class PageError(BrowserError):
    pass


class SignInError(BrowserError):
    pass


class StaleRefError(BrowserError):
    pass


def moved_on(error: PlaywrightError) -> bool:
    """Whether the document went away under a call, rather than the page or its browser."""
    text = str(error).casefold()
    return any(part in text for part in _GONE)

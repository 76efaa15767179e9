"""Errors of this package.

CasepilotError
└── BrowserError
    ├── LaunchError       no browser could be found or started
    ├── PageError         the address cannot be opened, or the page or its browser is gone
    ├── SignInError       the application refused the login
    └── StaleRefError     a ref does not name an element of the present page; capture again
"""

from schema_extraction.errors import CasepilotError


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

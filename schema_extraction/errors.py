"""Errors of this package.

CasepilotError            every foreseen error of casepilot; its text is one line that ends in the next step, or a list of such
└── ExtractionError
    ├── ProfileError      the profile file is missing or wrong
    └── SnapshotError     the snapshot is not HTML that can be read
"""


class CasepilotError(Exception):
    """Base of every foreseen error: the command line prints its text and exits 1."""


class ExtractionError(CasepilotError):
    pass


class ProfileError(ExtractionError):
    pass


class SnapshotError(ExtractionError):
    pass

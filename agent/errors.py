"""Errors of this package.

CasepilotError
└── AgentError
    ├── RunError          a run cannot start or go on: its folder, its settings, its browser or its work list
    ├── DeskError         a hand-off is unknown, has ended, or is another operator's
    ├── UsageError        options that do not go together
    └── ProfilingError    a profile cannot be drafted or tested here
"""

from schema_extraction.errors import CasepilotError


class AgentError(CasepilotError):
    pass


class RunError(AgentError):
    pass


class DeskError(AgentError):
    pass


class UsageError(AgentError):
    pass


class ProfilingError(AgentError):
    pass

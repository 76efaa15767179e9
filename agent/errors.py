"""Errors of this package.

CasepilotError
└── AgentError
    ├── RunError          a run cannot start or go on: its folder, its settings, its browser or its work list
    ├── DeskError         what an operator asks of a hand-off cannot be
    │   ├── UnknownError      there is no such hand-off
    │   ├── EndedError        it has ended
    │   └── TakenError        it is another operator's
    ├── ConsoleError      the console cannot be served, or an account or what was entered is not as it should be
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


class UnknownError(DeskError):
    pass


class EndedError(DeskError):
    pass


class TakenError(DeskError):
    pass


class ConsoleError(AgentError):
    pass


class UsageError(AgentError):
    pass


class ProfilingError(AgentError):
    pass

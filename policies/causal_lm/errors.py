"""Errors of this package.

CasepilotError
└── PolicyError
    ├── ModelError                a base model, adapter or tokenizer is missing or does not fit the others
    │   └── TemplateError         the tokenizer has no chat template, or one that cannot take a page
    ├── ContextError              the valid actions of a page alone are more than the token budget
    └── ServerError               the model server is out of reach, too slow, or answers what is no answer

Raised while a step is worked, each of them hands that step to an operator with its text as the reason.
"""

from policies.errors import ModelError, PolicyError


class TemplateError(ModelError):
    pass


class ContextError(PolicyError):
    pass


class ServerError(PolicyError):
    pass

"""Errors of this package.

CasepilotError
└── PolicyError
    ├── ModelError        a model folder is missing, damaged, or was trained for another view version
    ├── EncoderError      the text encoder cannot be had or fails its checksum
    ├── TraceError        no usable trace line could be read
    └── FeedbackError     there is no feedback to learn or calibrate from
"""

from schema_extraction.errors import CasepilotError


class PolicyError(CasepilotError):
    pass


class ModelError(PolicyError):
    pass


class EncoderError(PolicyError):
    pass


class TraceError(PolicyError):
    pass


class FeedbackError(PolicyError):
    pass

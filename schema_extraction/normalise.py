"""Raw text to typed values: `value` for one field, `spans` for what free text offers."""

from schema_extraction.spans import Span, spans
from schema_extraction.values import decimal, plain, typed, value

__all__ = ["Span", "decimal", "plain", "spans", "typed", "value"]

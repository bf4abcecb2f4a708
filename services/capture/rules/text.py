"""Text and JSON from outside, without the characters that a database or a consumer of events refuses."""

import unicodedata
from collections.abc import Mapping
from typing import Any


def clean_json(value: Any) -> Any:
    """A JSON value that every consumer can read: text without control characters, integers of at most 64 bits."""
    match value:
        case str():
            if value.isascii() and value.isprintable():
                return value
            return "".join(c for c in value if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
        case bool() | None | float():
            return value
        case int():
            # Neither the event's JSON nor most of its readers can hold a number beyond 64 bits.
            return value if -(2**63) <= value < 2**63 else str(value)
        case Mapping():
            return {clean_json(str(key)): clean_json(item) for key, item in value.items()}
        case list() | tuple():
            return [clean_json(item) for item in value]
        case _:
            return str(value)

"""Text and JSON from outside, without the characters that a database or a consumer of events refuses."""

import unicodedata
from collections.abc import Mapping
from typing import Any

_UNSEEN = dict.fromkeys(
    [0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2065), *range(0x2066, 0x206A), 0xFEFF]
)
"""What is copied along unseen: marks of files and of word breaks, and of the direction in which text runs. The joiners
U+200C and U+200D are not among them: Persian and emoji need them."""


def clean(value: object) -> str:
    """One line of text: NFC, single spaces, no control characters, nothing unseen. "" for a blank text and for other
    types."""
    if not isinstance(value, str):
        return ""
    if value.isascii() and value.isprintable():
        return value.strip() if "  " not in value else " ".join(value.split())
    kept = "".join(c for c in value.translate(_UNSEEN) if c.isspace() or unicodedata.category(c) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", " ".join(kept.split()))


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

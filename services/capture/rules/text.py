"""Text and JSON from outside, without the characters that a database or a consumer of events refuses."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from shared.strict_json import fits_64_bits
from shared.text import clean

MAX_TEXT = 2_000
"""Characters of a field of text, in a submission as in an event (`shared.events.base.Text`)."""
_EXACT = 10**15
"""Whole numbers below it keep all their digits as a float."""


def text_of(value: Any, most: int) -> str:
    """One line of text of at most so many characters; a number is its digits, "" for None.

    Raises ValueError, with a sentence for people, for values of other types and for longer texts.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise ValueError("is not text")
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        value = int(value)  # programs write 4711.0 where another row of the table has no number
    # A number with very many digits cannot even be written down.
    is_longer = isinstance(value, int) and value.bit_length() > 4 * most
    text = "" if value is None or is_longer else clean(str(value))
    if is_longer or len(text) > most:
        raise ValueError(f"has more than {most} characters")
    return text


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
            return value if fits_64_bits(value) else str(value)
        case Mapping():
            return {clean_json(str(key)): clean_json(item) for key, item in value.items()}
        case list() | tuple():
            return [clean_json(item) for item in value]
        case _:
            return str(value)

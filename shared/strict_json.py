"""Reads JSON as RFC 8259 defines it: no NaN, no Infinity, no number beyond a double. Every way in uses it."""

import json
import re
from math import isfinite
from typing import Any

import orjson

from shared.limits import MAX_DIGITS, MAX_JSON_DEPTH

_LONG_NUMBER = re.compile(rb"\d{19}")
"""A number of so many digits may not fit into 64 bits."""
_ZERO = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def read_json(body: bytes) -> Any:
    """The value of a JSON text. Raises JSONDecodeError when it is none.

    Whole numbers of any length keep their digits, and single surrogates (`\\ud800`) are read: whether a text may have
    them is for the reader of the field to decide.
    """
    if not holds_long_number(body):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass  # perhaps for a surrogate; the slower reader decides
    try:
        return json.loads(body, parse_constant=_refuse, parse_float=_finite, parse_int=_whole)
    except RecursionError:
        raise json.JSONDecodeError("it is nested too deeply", "", 0) from None
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        raise json.JSONDecodeError(str(error), "", 0) from None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _refuse(text[:20])


def holds_long_number(body: bytes) -> bool:
    """Whether a text may have a whole number of which the faster reader would change digits."""
    return _LONG_NUMBER.search(body) is not None


def is_too_deep(body: bytes, value: Any, limit: int = MAX_JSON_DEPTH) -> bool:
    """Whether the value of this text is nested more than `limit` levels deep; a text of few brackets is not."""
    brackets = min(body.count(b"["), body.count(b"]")) + min(body.count(b"{"), body.count(b"}"))
    return brackets > limit and depth_of(value, limit) > limit


def has_half_pair(text: str) -> bool:
    """Whether a text has half of a surrogate pair: JSON can write it, but neither UTF-8 nor a database can hold it."""
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def holds_zero(body: bytes) -> bool:
    """Whether a JSON text has a zero character in a string, which Postgres cannot store.

    It is written `\\u0000`. The same six characters after a backslash (`\\\\u0000`) are text like any other.
    """
    return holds(body, b"\\u0000") and _ZERO.search(body) is not None


def holds(body: bytes, word: bytes) -> bool:
    """Whether a text holds a word that is rare in it: its first character alone is found or missed much sooner."""
    return word[0] in body and word in body


def without_zeros(body: bytes) -> bytes:
    """The JSON text without the zero characters in its strings."""
    return _ZERO.sub(rb"\1", body) if holds(body, b"\\u0000") else body


def depth_of(value: Any, limit: int) -> int:
    """How deep lists and objects are nested in a JSON value (0 for a number), counted up to `limit` + 1."""
    depth, level = 0, [value]
    while depth <= limit and (containers := [each for each in level if isinstance(each, dict | list)]):
        depth += 1
        level = [item for each in containers for item in (each.values() if isinstance(each, dict) else each)]
    return depth


def with_long_numbers_as_text(value: Any) -> Any:
    """A JSON value whose whole numbers beyond 64 bits are texts: most readers would change their digits."""
    if isinstance(value, dict):
        return {name: with_long_numbers_as_text(item) for name, item in value.items()}
    if isinstance(value, list):
        return [with_long_numbers_as_text(item) for item in value]
    return str(value) if isinstance(value, int) and not fits_64_bits(value) else value


def fits_64_bits(number: int) -> bool:
    """Whether a whole number is one that the event's JSON, and most of its readers, can hold."""
    return -(2**63) <= number < 2**63

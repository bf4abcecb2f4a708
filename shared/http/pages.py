"""Lists answer `{"items": [...], "next_cursor": "..."|null}`; a cursor is opaque to clients."""

import base64
import binascii
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel

from shared.errors import Invalid

T = TypeVar("T")

_NOT_OURS = "the cursor is not one that this list gave out"

Limit = Annotated[int, Query(ge=1, le=200, description="Items on a page")]


class Page(BaseModel, Generic[T]):
    """One page; only `next_cursor: null` ends a list."""

    items: list[T]
    next_cursor: str | None = None


def listed(given: Iterable[str] | None) -> list[str]:
    """The values of a parameter that may be repeated, and have several separated by commas; each once, none empty."""
    return list(dict.fromkeys(part for each in given or () for part in each.split(",") if part))


def encode_cursor(position: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")


def decode_cursor(cursor: str, **readers: Callable[[Any], Any]) -> dict[str, Any]:
    """The position in a cursor, each part converted by its reader: `decode_cursor(cursor, after=UUID)`.

    Raises Invalid when the cursor cannot be decoded, lacks a part, or a reader refuses a part.
    """
    try:
        position = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, orjson.JSONDecodeError, ValueError):
        raise Invalid("the cursor is not one that this API gave out") from None
    if not isinstance(position, dict) or any(key not in position for key in readers):
        raise Invalid(_NOT_OURS)
    try:
        return position | {key: read(position[key]) for key, read in readers.items()}
    except (ValueError, TypeError, AttributeError):
        raise Invalid(_NOT_OURS) from None


def moment(value: Any) -> datetime:
    """Reads a date-time with an offset from a cursor."""
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError("there is no offset")
    return at


def number(value: Any) -> int:
    """Reads a whole number that fits a bigint from a cursor."""
    if type(value) is not int or abs(value) >= 2**63:
        raise ValueError("it is not a whole number of 64 bits")
    return value


def text(value: Any) -> str:
    """Reads text that the database can store from a cursor."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("it is not text that can be stored")
    return value

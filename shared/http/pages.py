"""Lists answer `{"items": [...], "next_cursor": "..."|null}`; a cursor is opaque to clients."""

import base64
import binascii
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel

from shared.errors import Malformed

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=200, description="Items on a page")]


class Page(BaseModel, Generic[T]):
    """One page; only `next_cursor: null` ends a list."""

    items: list[T]
    next_cursor: str | None = None


def encode_cursor(position: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")


def decode_cursor(cursor: str, *keys: str) -> dict[str, Any]:
    """The position in a cursor of ours; Malformed if it is not one, or lacks one of `keys`."""
    try:
        position = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, orjson.JSONDecodeError, ValueError):
        raise Malformed("the cursor is not one that this API gave out") from None
    if not isinstance(position, dict) or any(key not in position for key in keys):
        raise Malformed("the cursor is not one that this list gave out")
    return position

"""Routers that read JSON strictly (RFC 8259): no NaN, no Infinity, no number beyond a double, nesting bounded."""

import json
import re
from collections.abc import Callable, Coroutine
from math import isfinite
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from shared.limits import MAX_JSON_DEPTH

_LONG_NUMBER = re.compile(rb"\d{19}")
"""A number of so many digits may not fit into 64 bits."""


def read_json(body: bytes) -> Any:
    """The value of a JSON text. Raises JSONDecodeError when it is none.

    Whole numbers of any length keep their digits, and single surrogates (`\\ud800`) are read: whether a text may have
    them is for the reader of the field to decide.
    """
    if not _LONG_NUMBER.search(body):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass  # perhaps for a surrogate; the slower reader decides
    try:
        return json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise json.JSONDecodeError("it is nested too deeply", "", 0) from None
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        raise json.JSONDecodeError(str(error), "", 0) from None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _refuse(text[:20])


def depth_of(value: Any, limit: int) -> int:
    """How deep lists and objects are nested in a JSON value (0 for a number), counted up to `limit` + 1."""
    depth, level = 0, [value]
    while depth <= limit and (containers := [each for each in level if isinstance(each, dict | list)]):
        depth += 1
        level = [item for each in containers for item in (each.values() if isinstance(each, dict) else each)]
    return depth


class _StrictRequest(Request):
    async def json(self) -> Any:
        body = await self.body()
        value = read_json(body)
        if min(body.count(b"["), body.count(b"]")) + min(body.count(b"{"), body.count(b"}")) > MAX_JSON_DEPTH and (
            depth_of(value, MAX_JSON_DEPTH) > MAX_JSON_DEPTH
        ):
            raise HTTPException(422, f"the body is nested more than {MAX_JSON_DEPTH} levels deep")
        return value


class _StrictRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strict


class Router(APIRouter):
    """A router whose routes read their JSON bodies strictly. Every service uses it for all of its routes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=_StrictRoute, **options)

"""Routers that read requests strictly: JSON that no service can store, and query parameters that a route does not know,
never get past them."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from shared.http.auth import check_caller
from shared.http.query_parameters import check_query_parameters, known_parameters
from shared.limits import MAX_JSON_DEPTH
from shared.strict_json import is_too_deep, read_json, without_zeros

F = TypeVar("F", bound=Callable[..., Any])

_DEEPEST = 500
"""How deep a body of a route marked with `checks_depth` may be nested: the JSON parsers' own limits come later."""


def checks_depth(endpoint: F) -> F:
    """Mark an endpoint that says itself which part of its body is nested too deeply, item by item."""
    endpoint.checks_depth = True  # type: ignore[attr-defined]
    return endpoint


def _strict_request(limit: int) -> type[Request]:
    class StrictRequest(Request):
        async def json(self) -> Any:
            body = without_zeros(await self.body())
            value = read_json(body)
            if is_too_deep(body, value, limit):
                raise HTTPException(422, f"the body is nested more than {limit} levels deep")
            return value

    return StrictRequest


class _StrictRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        request_class = _strict_request(_DEEPEST if getattr(self.endpoint, "checks_depth", False) else MAX_JSON_DEPTH)

        known = known_parameters(self)

        async def strict(request: Request) -> Response:
            if known is not None and not known.issuperset(request.query_params):
                await check_caller(request)
                check_query_parameters(request.query_params, known)
            return await handle(request_class(request.scope, request.receive))

        return strict


class Router(APIRouter):
    """A router whose routes read their JSON bodies and query parameters strictly. Every service uses it for all."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=_StrictRoute, **options)

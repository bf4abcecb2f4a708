"""Routers that read JSON bodies strictly, and no deeper than a limit."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from shared.limits import MAX_JSON_DEPTH
from shared.strict_json import is_too_deep, read_json


class _StrictRequest(Request):
    async def json(self) -> Any:
        body = await self.body()
        value = read_json(body)
        if is_too_deep(body, value):
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

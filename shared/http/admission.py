"""Before a request is read: the token is verified, and its body is bounded in size and time.

A caller without a token costs nothing but the look at the header. The limits are those of shared/limits.py.
"""

import asyncio
import re

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import LeadflowError, TooLarge
from shared.http.auth import authenticate, public
from shared.http.problems import problem, problem_of
from shared.limits import BODY_SECONDS, DEFAULT_BODY_BYTES, MAX_BODY_BYTES

_CLOSE = {"Connection": "close"}


def large_body() -> None:
    """Marks a route whose body may have up to 10 MB instead of 256 KB."""


Place = tuple[re.Pattern[str], set[str]]
"""The paths and the methods of a route."""


class Routes:
    """What is known of the routes before a request is matched: the places of those that are marked, and all methods."""

    def __init__(self) -> None:
        self.public: list[Place] = []
        self.large: list[Place] = []
        self.streaming: list[Place] = []
        self._methods: list[tuple[str, re.Pattern[str], set[str]]] = []

    def add(self, router: APIRouter, prefix: str) -> None:
        """Remember the marked routes of a router."""
        for route in router.routes:
            if not isinstance(route, APIRoute):
                continue
            marks = {dependency.call for dependency in route.dependant.dependencies}
            pattern, methods = compile_path(prefix + route.path)[0], route.methods or set()
            self._methods.append((prefix + route.path, pattern, methods))
            if public in marks:
                self.public.append((pattern, methods))
            if large_body in marks:
                self.large.append((pattern, methods))

    def allowed(self, path: str) -> list[str]:
        """The methods of the routes that have this path (RFC 9110, 15.5.6: `Allow` lists them).

        A path that routes name literally, such as `/leads/batch`, is not one of `/leads/{lead_id}` as well.
        """
        found = [(template, methods) for template, pattern, methods in self._methods if pattern.fullmatch(path)]
        literal = [methods for template, methods in found if template == path]
        return sorted(set().union(*(literal or (methods for _, methods in found))))


class Admission:
    """Refuses without reading the body: 401 without a valid token, 413 for a body that is declared too large."""

    def __init__(self, app: ASGIApp, *, routes: Routes, prefix: str) -> None:
        self._app = app
        self._routes = routes
        self._prefix = f"{prefix}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        if path.startswith(self._prefix) and not _matches(self._routes.public, path, method):
            request = Request(scope)
            try:
                request.state.principal = await authenticate(request)
            except LeadflowError as refusal:
                await problem_of(refusal, headers=_CLOSE)(scope, receive, send)
                return
        if _matches(self._routes.streaming, path, method):
            await self._app(scope, _within(receive), send)
            return
        limit = MAX_BODY_BYTES if _matches(self._routes.large, path, method) else DEFAULT_BODY_BYTES
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > limit:
            detail = f"the body of this request may have {limit} bytes"
            await problem(413, TooLarge.title, detail, kind="too-large", headers=_CLOSE)(scope, receive, send)
            return
        await self._app(scope, _bounded(receive, limit), send)


def _matches(places: list[Place], path: str, method: str) -> bool:
    return any(method in methods and pattern.fullmatch(path) for pattern, methods in places)


def _bounded(receive: Receive, limit: int) -> Receive:
    """Receives a body of at most `limit` bytes that has arrived after BODY_SECONDS."""
    read = 0
    ended = False
    deadline: float | None = None

    async def bounded() -> Message:
        nonlocal read, ended, deadline
        if ended:
            return await receive()  # waits for the end of the connection
        clock = asyncio.get_running_loop().time
        deadline = deadline or clock() + BODY_SECONDS
        message = await _in_time(receive, deadline - clock())
        read += len(message.get("body", b""))
        ended = not message.get("more_body", False)
        if read > limit:
            # While a body is read, the framework lets only this kind of exception through.
            raise HTTPException(413, f"the body of this request may have {limit} bytes", headers=_CLOSE)
        return message

    return bounded


def _within(receive: Receive) -> Receive:
    """Receives a body of any size whose next part always comes within BODY_SECONDS."""
    ended = False

    async def within() -> Message:
        nonlocal ended
        if ended:
            return await receive()
        message = await _in_time(receive, BODY_SECONDS)
        ended = not message.get("more_body", False)
        return message

    return within


async def _in_time(receive: Receive, seconds: float) -> Message:
    try:
        return await asyncio.wait_for(receive(), max(0.0, seconds))
    except TimeoutError:
        raise HTTPException(408, "the body did not arrive in time", headers=_CLOSE) from None

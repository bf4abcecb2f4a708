"""Errors as RFC 9457 problems: `type`, `title`, `status`, `detail`, and `errors` for a bad body."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from shared.db import RETRY_AT_ONCE, DatabaseError, is_outage
from shared.errors import LeadflowError, Transient
from shared.events.envelope import errors_of
from shared.http.auth import check_caller

log = structlog.get_logger()

_KINDS = "urn:leadflow:problem:"
_TITLES = {
    400: "Malformed request",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timeout",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid content",
}


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    errors: Sequence[dict[str, Any]] = (),
    kind: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """A problem response; `type` names the kind, or is `about:blank` where the status is all there is to know."""
    body: dict[str, Any] = {
        "type": f"{_KINDS}{kind}" if kind else "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = list(errors)
    return Response(_written(body), status, headers, media_type="application/problem+json")


def _written(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        # It names a part of the request that has half of a surrogate pair, which no UTF-8 holds.
        return json.dumps(body, ensure_ascii=False).encode(errors="replace")


def _titled(status: int, detail: str, *, headers: dict[str, str] | None = None) -> Response:
    title = _TITLES.get(status, "Error")
    kind = title.lower().replace(" ", "-") if status in _TITLES else None
    return problem(status, title, detail, kind=kind, headers=headers)


def _database_away() -> Response:
    headers = {"Retry-After": str(Transient.retry_after)}
    return problem(503, "Not available now", "the database does not answer; try again", headers=headers)


def sentence_of(errors: Iterable[Mapping[str, Any]]) -> str:
    """What is wrong with each field, in one line. `errors`: as `{field, message}`."""
    return "; ".join(f"{error['field']}: {error['message']}" for error in errors)


def problem_type(error: LeadflowError) -> str:
    """The `type` of the problem that one of our own errors becomes."""
    return f"{_KINDS}{_kind_of(error)}"


def _kind_of(error: LeadflowError) -> str:
    return error.title.lower().replace(" ", "-")


def problem_of(error: LeadflowError, *, headers: Mapping[str, str] | None = None) -> Response:
    """The problem response for one of our own errors."""
    added = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    if error.status in (429, 503):
        added["Retry-After"] = str(error.retry_after)
    return problem(
        error.status,
        error.title,
        error.detail,
        errors=error.errors,
        kind=_kind_of(error),
        headers={**added, **(headers or {})},
    )


def install(app: FastAPI) -> None:
    """Let `app` answer every error with a problem."""

    @app.exception_handler(LeadflowError)
    async def _ours(request: Request, error: LeadflowError) -> Response:
        return problem_of(error)

    @app.exception_handler(RequestValidationError)
    async def _request(request: Request, error: RequestValidationError) -> Response:
        found = error.errors()
        if any(item["type"] == "json_invalid" for item in found):
            return await _unread(request, "the body is not JSON")
        if all(item["loc"][0] == "path" for item in found):
            allowed = request.app.state.routes.allowed(request.url.path)
            if request.method not in allowed:
                return _titled(405, "Method Not Allowed", headers={"Allow": ", ".join(allowed)})
            return _titled(404, "nothing exists under this path: the id in it is not of the form of an id")
        # FastAPI hands over bytes when the content type is not JSON.
        if isinstance(error.body, bytes) and any(item["loc"] == ("body",) for item in found):
            return _titled(415, "send the body as application/json")
        errors = [
            {"field": ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0]), "message": item["msg"]}
            for item in found
        ]
        return problem(422, "Invalid content", sentence_of(errors[:5]), errors=errors, kind="invalid-content")

    @app.exception_handler(ValidationError)
    async def _model(request: Request, error: ValidationError) -> Response:
        errors = errors_of(error)
        return problem(422, "Invalid content", sentence_of(errors[:5]), errors=errors, kind="invalid-content")

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 400:
            return await _unread(request, str(error.detail))
        headers = dict(error.headers or {})
        if error.status_code == 405 and (allowed := request.app.state.routes.allowed(request.url.path)):
            headers["Allow"] = ", ".join(allowed)
        return _titled(error.status_code, str(error.detail), headers=headers)

    async def _unread(request: Request, detail: str) -> Response:
        """A body is read before the caller's role is checked; a caller without permission must learn only that."""
        try:
            await check_caller(request)
        except LeadflowError as refusal:
            return await _ours(request, refusal)
        return _titled(400, detail)

    @app.exception_handler(DatabaseError)
    async def _database(request: Request, error: DatabaseError) -> Response:
        state = error.sqlstate
        if request.app.state.service.waits_for is not None:  # roles or tables are not there yet, whatever it says
            return _database_away()
        log.error("http.database", path=request.url.path, sqlstate=state, error=type(error).__name__)
        if state[:2] == "22":
            return problem(422, "Invalid content", "a value cannot be stored as it is", kind="invalid-content")
        if state in RETRY_AT_ONCE:
            return problem(
                409, "Conflict", "somebody else changed the same at the same time; try again", kind="conflict"
            )
        if is_outage(error):
            return _database_away()
        return problem(500, "Internal error", "something went wrong here; it was logged")

    # Refused, unknown host, timeout: no server has answered that could say more.
    @app.exception_handler(OSError)
    async def _connection(request: Request, error: OSError) -> Response:
        log.error("http.no_connection", path=request.url.path, error=repr(error)[:300])
        return _database_away()

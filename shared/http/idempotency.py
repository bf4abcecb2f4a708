"""Idempotency-Key on creating POSTs: the same key and body get the same answer, within the tenant and the route.

The key, the effect and the answer commit in one transaction, so a crash between them cannot happen.
"""

import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request, Response
from fastapi.encoders import jsonable_encoder

from shared.errors import Invalid
from shared.http.tenancy import TenantWork
from shared.store import idempotency

Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)]


class Idempotency:
    def __init__(self, request: Request, work: TenantWork, key: Key = None) -> None:
        self._request = request
        self._work = work
        self._key = key

    async def __call__(self, run: Callable[[], Awaitable[Any]], *, status: int = 201) -> Response:
        """The answer of `run`, made once for each key: a body, (status, body) or (status, body, headers)."""
        if self._key is None:
            return _response(*_parts(await run(), status))
        route = f"{self._request.method} {self._request.url.path}"
        request_digest = await _digest_of(self._request)
        if not await idempotency.reserve(self._work, route, self._key, request_digest):
            return await self._first_answer(route, self._key, request_digest)
        made, body, headers = _parts(await run(), status)
        content = orjson.dumps(jsonable_encoder(body))
        await idempotency.store_answer(self._work, route, self._key, status=made, body=content, headers=headers)
        return _response(made, body, headers)

    async def _first_answer(self, route: str, key: str, request_digest: bytes) -> Response:
        known = await idempotency.find(self._work, route, key)
        if known is None or known["request_digest"] != request_digest:
            raise Invalid("this Idempotency-Key was used with another body")
        return Response(known["body"], known["status"], known["headers"], media_type="application/json")


async def _digest_of(request: Request) -> bytes:
    """A digest of what the body says: the order of its keys and its spacing do not matter."""
    body = await request.body()
    if body and "json" in request.headers.get("content-type", ""):
        body = json.dumps(await request.json(), sort_keys=True).encode()
    return sha256(body).digest()


def _parts(answer: Any, status: int) -> tuple[int, Any, dict[str, str]]:
    if isinstance(answer, tuple):
        made, body, *headers = answer
        return made, body, headers[0] if headers else {}
    return status, answer, {}


def _response(status: int, body: Any, headers: dict[str, str]) -> Response:
    return Response(orjson.dumps(jsonable_encoder(body)), status, headers, media_type="application/json")


Once = Annotated[Idempotency, Depends(Idempotency, scope="function")]
"""`return await once(lambda: use_case(...))`; add responses by hand to the route's documentation."""

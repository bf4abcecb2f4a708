"""Idempotency-Key on creating POSTs: the same key and body answer the same, within the tenant and the route.

The key, the effect and the answer commit in one transaction, so a crash between them cannot happen.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request, Response
from fastapi.encoders import jsonable_encoder

from shared.errors import Invalid
from shared.http.tenancy import TenantWork

Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)]


class _Once:
    def __init__(self, request: Request, work: TenantWork, key: Key = None) -> None:
        self._request = request
        self._work = work
        self._key = key

    async def __call__(
        self, run: Callable[[], Awaitable[Any]], *, status: int = 201, headers: dict[str, str] | None = None
    ) -> Response:
        """The answer of `run`, made once for each key: a body, (status, body) or (status, body, headers)."""
        if self._key is None:
            return _response(*_parts(await run(), status, headers))
        tenant, route = self._work.tenants[0], f"{self._request.method} {self._request.url.path}"
        body_digest = sha256(await self._request.body()).digest()
        placed = await self._work.run(
            """
            INSERT INTO idempotency (tenant_id, route, key, request_digest, status, body)
            VALUES (:tenant, :route, :key, :digest, 0, '') ON CONFLICT DO NOTHING
            """,
            tenant=tenant,
            route=route,
            key=self._key,
            digest=body_digest,
        )
        if not placed:
            return await self._known(tenant, route, body_digest)
        made, body, made_headers = _parts(await run(), status, headers)
        content = orjson.dumps(jsonable_encoder(body))
        await self._work.run(
            """
            UPDATE idempotency SET status = :status, body = :body, headers = CAST(:headers AS jsonb)
            WHERE tenant_id = :tenant AND route = :route AND key = :key
            """,
            tenant=tenant,
            route=route,
            key=self._key,
            status=made,
            body=content,
            headers=made_headers,
        )
        return _response(made, body, made_headers)

    async def _known(self, tenant: str, route: str, body_digest: bytes) -> Response:
        row = await self._work.fetch_one(
            "SELECT * FROM idempotency WHERE tenant_id = :tenant AND route = :route AND key = :key",
            tenant=tenant,
            route=route,
            key=self._key,
        )
        if row is None or row["request_digest"] != body_digest:
            raise Invalid("this Idempotency-Key was used with another body")
        return Response(row["body"], row["status"], row["headers"], media_type="application/json")


def _parts(answer: Any, status: int, headers: dict[str, str] | None) -> tuple[int, Any, dict[str, str]]:
    if isinstance(answer, tuple):
        made, body, *rest = answer
        return made, body, rest[0] if rest else headers or {}
    return status, answer, headers or {}


def _response(status: int, body: Any, headers: dict[str, str]) -> Response:
    return Response(orjson.dumps(jsonable_encoder(body)), status, headers, media_type="application/json")


Once = Annotated[_Once, Depends(_Once, scope="function")]
"""`return await once(lambda: use_case(...))`; add responses by hand to the route's documentation."""

"""Services that were made and not started, asked by somebody whose token the test decides on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

import httpx

from shared.http.token_claims import Principal
from tests.architecture.apps import NOBODY


class Verified:
    """Stands for the issuer's keys: the token is the list of roles."""

    async def verify(self, token: str) -> Principal:
        return Principal("acme", "ann", frozenset(token.split(",")))


class Unasked:
    """Stands for a database that is there, where nobody comes to the point of asking it."""

    @asynccontextmanager
    async def tenant(self, tenant: str) -> AsyncIterator[None]:
        yield None


def asking(service: str, roles: str | None = "admin", *, database: bool = True, **headers: str) -> httpx.AsyncClient:
    """A client of a service; `roles` None: without a token. Without a database none answers on its port."""
    settings = import_module(f"services.{service}.settings").Settings
    app = import_module(f"services.{service}.app").create_app(settings(**NOBODY))
    app.state.verifier = Verified()
    if database:
        app.state.service.database = Unasked()
    if roles is not None:
        headers["Authorization"] = f"Bearer {roles}"
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

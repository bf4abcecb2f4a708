"""A service that runs inside the test: the whole of it, on the real broker and database, its HTTP API in process."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import Any

import httpx
from fastapi import FastAPI

from shared.db import Database
from shared.service import Service
from shared.testing.openapi import description_of

SignToken = Callable[..., str]


class Running:
    """One running service. `client` speaks to its API as a person or machine with the given roles."""

    def __init__(self, app: FastAPI, sign: SignToken, stack: AsyncExitStack) -> None:
        self.app = app
        self.service: Service = app.state.service
        self._sign = sign
        self._stack = stack

    @property
    def database(self) -> Database:
        return self.service.database

    def client(self, tenant: str | None = None, *roles: str, subject: str = "ann", **headers: str) -> httpx.AsyncClient:
        """An HTTP client; without a tenant, one that has no token."""
        if tenant is not None:
            headers["Authorization"] = f"Bearer {self._sign(tenant, list(roles) or ['admin'], subject)}"
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url=f"http://{self.service.name}",
            headers=headers,
            timeout=30,
            event_hooks={"response": [self._as_described]},
        )

    async def _as_described(self, answer: httpx.Response) -> None:
        await answer.aread()
        difference = description_of(self.app).difference(answer)
        assert difference is None, difference

    async def stop(self) -> None:
        await self._stack.aclose()


@asynccontextmanager
async def running(name: str, sign: SignToken, *, only: str | None = None, **settings: Any) -> AsyncIterator[Running]:
    """Start a service in this process; stop it at the end of the block."""
    run = await start_service(name, sign, only=only, **settings)
    try:
        yield run
    finally:
        await run.stop()


async def start_service(name: str, sign: SignToken, *, only: str | None = None, **settings: Any) -> Running:
    settings_class = import_module(f"services.{name}.settings").Settings
    app: FastAPI = import_module(f"services.{name}.app").create_app(settings_class(**settings), only)
    stack = AsyncExitStack()
    await stack.enter_async_context(app.router.lifespan_context(app))
    return Running(app, sign, stack)

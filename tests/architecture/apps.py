"""The six services as their `app.py` wires them, without a broker, a database or an issuer behind them."""

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any

from fastapi import FastAPI

from shared.messaging import Consumer
from shared.names import SERVICES
from shared.service import Service

NOBODY: dict[str, Any] = {
    "database_url": "postgresql://nobody@127.0.0.1:1/nothing",
    "kafka_bootstrap": "127.0.0.1:1",
    "oidc_jwks_url": "file:///nowhere/jwks.json",
}


@lru_cache
def app_of(name: str) -> FastAPI:
    """A service that has been made and not started."""
    settings = import_module(f"services.{name}.settings").Settings
    app: FastAPI = import_module(f"services.{name}.app").create_app(settings(**NOBODY))
    return app


def service_of(name: str) -> Service:
    service: Service = app_of(name).state.service
    return service


def consumer_of(name: str) -> Consumer:
    consumer = service_of(name).consumer
    assert consumer is not None, f"{name} reads nothing"
    return consumer


_CONVERTER = re.compile(r":\w+(?=\})")
"""Of a parameter such as `{meeting_id:path}`."""


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """(method, path) of every route, those that the OpenAPI document leaves out as well; written as it writes them."""
    yield from ((method, _CONVERTER.sub("", path)) for method, path in _routes(app.routes))


def _routes(found: Any) -> Iterator[tuple[str, str]]:
    for route in found:
        if hasattr(route, "effective_candidates"):
            yield from _routes([*route.effective_candidates(), *route.effective_low_priority_routes()])
        else:
            path = getattr(route, "path", None) or getattr(route.starlette_route, "path", "")
            methods = getattr(route, "methods", None) or {"MOUNT"}
            yield from ((method, path) for method in sorted(set(methods) - {"HEAD"}))


__all__ = ["NOBODY", "SERVICES", "app_of", "consumer_of", "routes", "service_of"]

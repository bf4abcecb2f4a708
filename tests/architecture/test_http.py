"""The HTTP API of every service: nobody comes in without a token, operation ids are stable, no page publishes."""

import ast
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from shared.http.problems import install
from tests.architecture.apps import NOBODY, SERVICES, app_of, routes
from tests.architecture.tree import sources

ALWAYS_PUBLIC = {
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/docs"),
    ("GET", "/docs/assets/{}"),
    ("GET", "/openapi.json"),
}
PUBLIC: dict[str, set[tuple[str, str]]] = {
    "capture": {
        ("GET", "/v1/forms/{}"),
        ("OPTIONS", "/v1/forms/{}"),
        ("GET", "/v1/forms/{}/embed.js"),
        ("GET", "/v1/forms/{}/thank-you"),
        ("POST", "/v1/forms/{}/submissions"),
        ("OPTIONS", "/v1/forms/{}/submissions"),
        ("GET", "/v1/webhooks/{}"),
        ("POST", "/v1/webhooks/{}"),
    },
    "outreach": {("GET", "/v1/unsubscribe/{}"), ("POST", "/v1/unsubscribe/{}"), ("POST", "/v1/inbound/{}")},
}
"""Routes whose secret is in their path, or whose request a provider has signed."""

SOME_ID = str(UUID(int=0))
FASTSTREAM_PAGES = ("/asyncapi", "/asyncapi.json", "/asyncapi.yaml", "/asyncapi/try", "/docs/asyncapi/try")


def _plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


async def let_in(app: FastAPI, public: set[tuple[str, str]], **headers: str) -> dict[str, int]:
    """Routes that do not answer 401 to a request with these headers, and what they answer."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    answers: dict[str, int] = {}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        for method, path in routes(app):
            if (method, _plain(path)) not in public | ALWAYS_PUBLIC:
                answer = await client.request(method, re.sub(r"\{[^}]*\}", SOME_ID, path))
                if answer.status_code != 401:
                    answers[f"{method} {path}"] = answer.status_code
    return answers


@pytest.mark.parametrize("name", SERVICES)
async def test_every_route_but_the_public_ones_needs_a_token(name: str) -> None:
    assert await let_in(app_of(name), PUBLIC.get(name, set())) == {}


@pytest.mark.parametrize("name", SERVICES)
async def test_no_other_kind_of_credentials_lets_in(name: str) -> None:
    assert await let_in(app_of(name), PUBLIC.get(name, set()), Authorization="Basic YWRtaW46YWRtaW4=") == {}


async def test_a_planted_open_route_is_found() -> None:
    app, router = FastAPI(docs_url=None, openapi_url=None, redoc_url=None), APIRouter()
    install(app)

    @router.get("/leads/{id}/secrets")
    async def secrets(id: str) -> str:
        return id

    app.include_router(router, prefix="/v1")
    assert await let_in(app, set()) == {"GET /v1/leads/{id}/secrets": 200}


@pytest.mark.parametrize("name", SERVICES)
def test_the_guard_sees_every_route_that_the_documentation_shows(name: str) -> None:
    app = app_of(name)
    shown = {(method.upper(), path) for path, item in app.openapi()["paths"].items() for method in item}
    assert shown and shown <= set(routes(app))
    assert {("GET", "/livez"), ("GET", "/readyz"), ("GET", "/metrics")} <= set(routes(app))


def unstable(app: FastAPI) -> list[str]:
    """Routes whose operation id is missing, said twice, or made from a path instead of given by a name."""
    ids = {
        f"{method.upper()} {path}": operation.get("operationId", "")
        for path, item in app.openapi()["paths"].items()
        for method, operation in item.items()
    }
    counts = Counter(ids.values())
    return sorted(
        f"{route}: {id_!r}"
        for route, id_ in ids.items()
        if counts[id_] > 1 or not re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", id_) or "_v1_" in id_
    )


@pytest.mark.parametrize("name", SERVICES)
def test_every_operation_has_a_stable_id_of_its_own(name: str) -> None:
    assert unstable(app_of(name)) == []


def test_a_doubled_and_a_made_up_operation_id_are_found() -> None:
    app = FastAPI()

    @app.get("/v1/leads")
    async def leads() -> None: ...

    @app.get("/v1/a", operation_id="leads_of")
    async def a() -> None: ...

    @app.get("/v1/b", operation_id="leads_of")
    async def b() -> None: ...

    with pytest.warns(UserWarning, match="Duplicate Operation ID"):
        assert unstable(app) == [
            "GET /v1/a: 'leads_of'",
            "GET /v1/b: 'leads_of'",
            "GET /v1/leads: 'leads_v1_leads_get'",
        ]


def publishing_pages(app: FastAPI) -> list[str]:
    """Routes of FastStream's AsyncAPI page, whose "try it" publishes to the real broker without authentication."""
    return sorted(f"{method} {path}" for method, path in routes(app) if "asyncapi" in path or path.endswith("/try"))


@pytest.mark.parametrize("name", SERVICES)
async def test_no_page_publishes_without_authentication(name: str) -> None:
    app = app_of(name)
    assert publishing_pages(app) == []
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for path in FASTSTREAM_PAGES:
            assert (await client.get(path)).status_code == 404, path
            assert (await client.post(path, json={})).status_code == 404, path


def test_a_planted_asyncapi_page_is_found() -> None:
    app = FastAPI()

    @app.post("/asyncapi/try")
    async def publish() -> None: ...

    assert publishing_pages(app) == ["POST /asyncapi/try"]


def page_makers(modules: Iterable[tuple[Path, ast.Module]]) -> list[str]:
    """Imports of those parts of FastStream that serve such a page."""
    makers = ("faststream.asgi", "faststream.kafka.fastapi", "faststream.specification")
    found = []
    for path, module in modules:
        for node in ast.walk(module):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found += [f"{path.as_posix()}: {name}" for name in names if name.startswith(makers)]
    return found


def test_nothing_that_serves_such_a_page_is_imported() -> None:
    assert page_makers(sources()) == []
    planted = ast.parse("from faststream.kafka.fastapi import KafkaRouter\nimport faststream.asgi")
    assert page_makers([(Path("services/goals/app.py"), planted)]) == [
        "services/goals/app.py: faststream.kafka.fastapi",
        "services/goals/app.py: faststream.asgi",
    ]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_does_not_start_without_the_issuer_s_keys(name: str) -> None:
    """There is no switch that turns authentication off: without keys there is no service."""
    from importlib import import_module

    settings = import_module(f"services.{name}.settings").Settings
    with pytest.raises(ValueError, match="JWKS"):
        import_module(f"services.{name}.app").create_app(settings(**{**NOBODY, "oidc_jwks_url": ""}))

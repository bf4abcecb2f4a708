"""The OpenAPI description is exact enough to generate a client from, and its page needs no foreign host."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest
from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV31SpecValidator

from shared.http import Router
from shared.http.openapi import REASONS, Documentation
from shared.testing.openapi import closed
from tests.architecture.apps import SERVICES, app_of


def operations(app: FastAPI) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in app.openapi()["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def _says_something(schema: dict[str, Any]) -> bool:
    """Whether a schema names fields, a list or a simple type."""
    if {"$ref", "anyOf", "oneOf", "allOf", "enum"} & schema.keys() or schema.get("properties"):
        return True
    return schema.get("type") not in (None, "object", "array") or bool(schema.get("items"))


def untyped(app: FastAPI) -> list[str]:
    """Operations with a successful answer whose body is not described."""
    found = []
    for name, operation in operations(app):
        for status, answer in operation["responses"].items():
            if status.startswith("2") and status != "204":
                schemas = [media.get("schema", {}) for media in answer.get("content", {}).values()]
                if not schemas or not all(map(_says_something, schemas)):
                    found.append(f"{name}: {status}")
    return sorted(found)


def _lists_anything(document: dict[str, Any]) -> list[str]:
    """Pages whose items are not described."""
    return [
        name
        for name, schema in document["components"]["schemas"].items()
        if (items := schema.get("properties", {}).get("items")) and not _says_something(items["items"])
    ]


def undescribed(app: FastAPI) -> list[str]:
    """Operations without a sentence for people, or without a tag."""
    return sorted(
        name for name, operation in operations(app) if not operation.get("description") or not operation.get("tags")
    )


@pytest.mark.parametrize("name", SERVICES)
def test_every_description_is_valid_openapi(name: str) -> None:
    document = json.loads(json.dumps(app_of(name).openapi()))
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


@pytest.mark.parametrize("name", SERVICES)
def test_every_answer_is_typed(name: str) -> None:
    assert untyped(app_of(name)) == _lists_anything(app_of(name).openapi()) == []


@pytest.mark.parametrize("name", SERVICES)
def test_every_operation_is_described_and_has_a_tag(name: str) -> None:
    assert undescribed(app_of(name)) == []


@pytest.mark.parametrize("name", SERVICES)
def test_every_body_of_a_request_has_an_example_and_every_example_is_valid(name: str) -> None:
    document = app_of(name).openapi()
    schemas = document["components"]["schemas"]
    bare = set()
    for operation, described in operations(app_of(name)):
        body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        (whole, *_) = [*body.get("anyOf", []), body]
        shown = schemas[whole["$ref"].rpartition("/")[2]] if "$ref" in whole else whole
        if shown.get("properties") and not shown.get("examples"):
            bare.add(operation)
    assert bare == set()
    examples = {title: schema["examples"] for title, schema in schemas.items() if "examples" in schema}
    assert examples
    for title, given in examples.items():
        check = jsonschema_rs.Draft202012Validator(
            {**closed(schemas[title]), "components": closed(document["components"])}, validate_formats=True
        )
        assert [f"{title}: {error.message}" for each in given for error in check.iter_errors(each)] == []


def test_an_answer_without_a_type_and_an_operation_without_a_sentence_are_found() -> None:
    app = FastAPI()

    @app.get("/v1/leads")
    async def leads() -> dict[str, Any]:
        return {}

    assert untyped(app) == ["GET /v1/leads: 200"]
    assert undescribed(app) == ["GET /v1/leads"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_error_is_declared_as_a_problem(name: str) -> None:
    for operation, described in operations(app_of(name)):
        responses = described["responses"]
        assert {"422", "500", "503"} <= responses.keys(), operation
        for status, answer in responses.items():
            if status >= "400":
                assert "application/problem+json" in answer["content"], (operation, status)
        assert ("401" in responses) == bool(described["security"]), operation


@pytest.mark.parametrize("name", SERVICES)
async def test_a_method_that_a_path_lacks_is_405_with_all_methods_that_it_has(name: str) -> None:
    app = app_of(name)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.request("TRACE", "/v1/dead-letters")
    # Whoever sends no token learns nothing about methods.
    assert answer.status_code == 401
    methods = {"GET"} if name != "goals" else {"GET", "POST"}
    assert set(app.state.routes.allowed("/v1/goals" if name == "goals" else "/v1/dead-letters")) == methods


async def test_the_page_of_the_description_needs_no_foreign_host() -> None:
    transport = httpx.ASGITransport(app_of("goals"))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        page = (await client.get("/docs")).text
        wanted = re.findall(r'(?:src|href)="([^"]+)"', page)
        # Relative to the page: a proxy may put the service below a path of its own.
        assert wanted and all(address.startswith("docs/assets/") for address in wanted)
        assert "url: 'openapi.json'" in page
        for address in wanted:
            assert (await client.get(address)).status_code == 200, address
        assert (await client.get("/docs/assets/__init__.py")).status_code == 404


def test_what_a_route_implies_is_declared() -> None:
    app = FastAPI()
    documentation = Documentation(app, "goals")
    router = Router(tags=["leads"])

    @router.post("/leads/{id}")
    async def change(id: str, body: dict[str, str]) -> str:
        """Change a lead."""
        return id

    app.include_router(router, prefix="/v1")
    documentation.add(router, "/v1")
    ((_, operation),) = operations(app)
    assert set(operation["responses"]) == {
        *("200", "400", "401", "404", "408", "409", "413", "415", "422", "500", "503")
    }
    assert operation["responses"]["404"]["description"] == REASONS[404]
    assert "HTTPValidationError" not in app.openapi()["components"]["schemas"]

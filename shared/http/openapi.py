"""The OpenAPI description of a service, and the page that shows it: exact enough to generate a client from.

FastAPI describes bodies and parameters. What is the same everywhere is added here from the routes themselves: which of
them need a token, and which problems (RFC 9457) each can answer.
"""

from collections.abc import Iterator
from copy import deepcopy
from importlib import resources
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import APIRouter, FastAPI, Response
from fastapi.dependencies.models import Dependant
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from shared.errors import NotFound
from shared.http.auth import Required, public
from shared.names import DESCRIPTIONS

_SCHEME = "token"
_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token of the OIDC issuer, with the claims `tenant`, `roles` and `sub`.",
}
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_ASSETS = "/docs/assets"
_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")

REASONS = {
    400: "The body is not JSON.",
    401: "There is no valid bearer token.",
    403: "The token's roles do not allow this.",
    404: "There is nothing under this path for this tenant.",
    408: "The body did not arrive in time.",
    409: "The present state forbids it; `detail` names the state and the reason.",
    412: "It was changed since the version in If-Match.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    422: "The content is not valid; `errors` names the fields.",
    428: "This change needs If-Match.",
    429: "There were too many requests; Retry-After says when to try again.",
    500: "Something went wrong here; it was logged.",
    503: "Not available now; try again.",
}
"""What each status means wherever it is answered."""


class FieldError(BaseModel):
    """What is wrong with one field of a request."""

    field: str = Field(examples=["email"])
    message: str = Field(examples=["there is no @"])
    value: Any = Field(None, description="Of a statement that nothing known supports: what it says")


class Problem(BaseModel):
    """An error as RFC 9457 describes it."""

    type: str = Field(description="The kind of the problem", examples=["urn:leadflow:problem:not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="A sentence for people", examples=["there is no such lead"])
    errors: list[FieldError] = Field(default=[], description="Of a bad request: each field that is wrong")


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a body that a route reads by itself, for its `openapi_extra`."""
    return model.model_json_schema(ref_template="#/components/schemas/{model}")


def _models_of(package: str, of: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    """The models that a package defines."""
    for model in of.__subclasses__():
        if model.__module__.startswith(package):
            yield model
        yield from _models_of(package, model)


def _taken_out(schema: Any) -> dict[str, Any]:
    """Remove the definitions (`$defs`) inside of a document, which refers to them as components; by their names."""
    found: dict[str, Any] = {}
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        found |= _taken_out(each)
    if isinstance(schema, dict):
        found |= schema.pop("$defs", {})
    return found


class Documentation:
    """The description of an app, at `/openapi.json`, and the page that shows it, `/docs`, without any foreign host."""

    def __init__(self, app: FastAPI, name: str) -> None:
        self._app = app
        self._name = name
        self._routes: list[tuple[str, APIRoute]] = []
        app.openapi = self.description  # type: ignore[method-assign]
        app.get("/docs", include_in_schema=False)(self._page)
        app.get(f"{_ASSETS}/{{name}}", include_in_schema=False)(self._asset)

    def add(self, router: APIRouter, prefix: str) -> None:
        """Remember the routes of a router that is mounted under `prefix`."""
        self._routes += [(prefix + route.path_format, route) for route in router.routes if isinstance(route, APIRoute)]

    def description(self) -> dict[str, Any]:
        """The OpenAPI document of the app, made at the first call."""
        if self._app.openapi_schema is None:
            self._app.openapi_schema = self._described()
        return self._app.openapi_schema

    def _described(self) -> dict[str, Any]:
        whole = get_openapi(
            title=self._app.title,
            version=self._app.version,
            description=f"{DESCRIPTIONS[self._name]}\n\nErrors are problems of RFC 9457; lists are paged by `cursor`.",
            routes=self._app.routes,
            # Relative to this document, as the page is: also where a proxy puts the service below a path of its own.
            servers=[{"url": "."}],
        )
        components = whole.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas["Problem"] = schema_of(Problem)
        schemas |= _taken_out(whole)
        for model in _models_of(f"services.{self._name}."):
            # FastAPI leaves out what is null, in examples too.
            if "examples" in (shown := schemas.get(model.__name__, {})):
                shown["examples"] = deepcopy(model.model_config["json_schema_extra"]["examples"])  # type: ignore[index]
        components["securitySchemes"] = {_SCHEME: _TOKEN}
        for path, route in self._routes:
            for method in route.methods or ():
                if operation := whole["paths"].get(path, {}).get(method.lower()):
                    _complete(operation, route, method)
        return whole

    async def _page(self) -> Response:
        """Relative to `/docs`: a proxy may put the service below a path of its own."""
        assets = _ASSETS.removeprefix("/")
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title=self._app.title,
            swagger_js_url=f"{assets}/swagger-ui-bundle.js",
            swagger_css_url=f"{assets}/swagger-ui.css",
            swagger_favicon_url=f"{assets}/favicon.png",
        )

    async def _asset(self, name: str) -> Response:
        if name not in _FILES:
            raise NotFound("there is no such file")
        return FileResponse(Path(str(resources.files(fastapi_offline))) / "static" / name)


def _complete(operation: dict[str, Any], route: APIRoute, method: str) -> None:
    """Add to an operation what its route implies: the token, and the problems that can be answered."""
    dependants = list(_flat(route.dependant))
    is_public = any(each.call is public for each in dependants)
    responses = operation["responses"]
    # A public route that can answer 401 takes a signature of its own in the place of the token.
    token: list[dict[str, list[str]]] = [{_SCHEME: []}]
    operation["security"] = token if not is_public else [*token, {}] if "401" in responses else []
    declared = [int(status) for status in responses if status >= "400"]
    for status in ([] if is_public else [401]) + [*declared, *_problems(route, method, dependants)]:
        described = responses.setdefault(str(status), {})
        content = described.setdefault("content", {})
        if status == 422:
            # FastAPI describes it as JSON of another shape.
            content.pop("application/json", None)
            described["description"] = REASONS[status]
        content |= _PROBLEM
        described.setdefault("description", REASONS[status])
    operation["responses"] = dict(sorted(responses.items()))


def _problems(route: APIRoute, method: str, dependants: list[Dependant]) -> Iterator[int]:
    """The statuses of the problems that a route can answer, as far as its parameters and dependencies show."""
    if any(isinstance(each.call, Required) for each in dependants):
        yield 403
    if "{" in route.path_format:
        yield 404
    if method != "GET":
        yield 409
    if route.body_field is not None or "requestBody" in (route.openapi_extra or {}):
        yield from (400, 408, 413, 415)
    if any(parameter.alias == "If-Match" for each in dependants for parameter in each.header_params):
        yield from (412, 428)
    yield from (422, 500, 503)


def _flat(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for each in dependant.dependencies:
        yield from _flat(each)

"""Every answer that a test receives is compared with the service's own description (OpenAPI): status, kind and body.

So the description is as true as the tests are thorough: a client that was generated from it can read what really comes.
"""

import re
from typing import Any

import httpx
import jsonschema_rs
import orjson
from fastapi import FastAPI


class Description:
    """The OpenAPI document of an app, as a check of its answers."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._components = closed(document["components"])
        self._paths = [(_pattern(path), item) for path, item in sorted(document["paths"].items(), key=_literal_first)]
        self._validators: dict[int, jsonschema_rs.Draft202012Validator] = {}

    def difference(self, answer: httpx.Response) -> str | None:
        """How an answer, which has been read, differs from the description; None where it does not.

        Paths and methods that are not described are left alone, as are answers without a body.
        """
        operation = self._operation(answer.request)
        if operation is None:
            return None
        where = f"{answer.request.method} {answer.request.url.path}: {answer.status_code}"
        described = operation["responses"].get(str(answer.status_code))
        if described is None:
            return f"{where} is not described"
        if not answer.content or answer.request.method == "HEAD":
            return None
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind not in described.get("content", {}):
            return f"{where} is not described as {kind}"
        if kind not in ("application/json", "application/problem+json"):
            return None
        errors = list(self._validator(described["content"][kind]["schema"]).iter_errors(orjson.loads(answer.content)))
        return (
            "; ".join([where, *(f"{_place(error.instance_path)}: {error.message}" for error in errors[:3])])
            if errors
            else None
        )

    def _operation(self, request: httpx.Request) -> dict[str, Any] | None:
        path = request.url.path
        for pattern, item in self._paths:
            if pattern.fullmatch(path) and request.method.lower() in item:
                operation: dict[str, Any] = item[request.method.lower()]
                return operation
        return None

    def _validator(self, schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
        if id(schema) not in self._validators:
            whole = {**closed(schema), "components": self._components}
            self._validators[id(schema)] = jsonschema_rs.Draft202012Validator(whole)
        return self._validators[id(schema)]


_KNOWN: dict[tuple[str, str | None], Description] = {}


def description_of(app: FastAPI) -> Description:
    """The description of a service, or of a part of it: that of its first app, because settings change no route."""
    key = (app.state.service.name, app.state.service.only)
    if key not in _KNOWN:
        _KNOWN[key] = Description(app.openapi())
    return _KNOWN[key]


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{[a-z_0-9]+\\}", "[^/]+", re.escape(path)))


def _literal_first(item: tuple[str, Any]) -> tuple[int, str]:
    """A literal path is tried before one with parameters that also matches."""
    return item[0].count("{"), item[0]


def _place(path: list[str | int]) -> str:
    return ".".join(map(str, path)) or "body"


def closed(schema: Any) -> Any:
    """The schema without room for fields that it does not name: each that is answered has to be described."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    without = {name: closed(each) for name, each in schema.items()}
    if "properties" in schema and schema.get("type") == "object":
        without.setdefault("additionalProperties", False)
    return without

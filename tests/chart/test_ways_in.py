"""The Ingress and the HTTPRoutes let in what clients need of each service, under its own path, and nothing else."""

import re
from collections.abc import Callable
from importlib import import_module

import pytest

from shared.names import SERVICES
from tests.chart.helm import named, rendered
from tests.chart.switches import SWITCHES

INSIDE = ("/livez", "/readyz", "/metrics", "/", "/v1x", "/openapi.jsonx")
"""Without a token, or nothing at all."""


def served(service: str) -> set[str]:
    """The paths of a service that its description names, with the description itself and the page that shows it."""
    settings = import_module(f"services.{service}.settings").Settings(
        database_url="postgresql://nobody@127.0.0.1:1/nothing", oidc_issuer="urn:i", oidc_jwks_url="https://i.example"
    )
    app = import_module(f"services.{service}.app").create_app(settings, only="api")
    documentation = {"/docs", "/openapi.json", "/docs/assets/swagger-ui.css"}
    return documentation | {path.replace("{", "").replace("}", "") for path in app.openapi()["paths"]}


def through_the_ingress(path: str) -> tuple[str, str] | None:
    """The service that ingress-nginx asks, and for what; a location begins at the path's begin, in any case."""
    objects = rendered(SWITCHES["ingress"])
    ingress = named(objects, "Ingress")
    notes = ingress["metadata"]["annotations"]
    assert notes["nginx.ingress.kubernetes.io/use-regex"] == "true"
    target = notes["nginx.ingress.kubernetes.io/rewrite-target"].replace("$", "\\")
    for rule in ingress["spec"]["rules"][0]["http"]["paths"]:
        if found := re.match("(?i)^" + rule["path"], path):
            return rule["backend"]["service"]["name"], found.expand(target)
    return None


def through_the_gateway(path: str) -> tuple[str, str] | None:
    """The service that a gateway asks, and for what; a prefix ends where a part of the path ends."""
    for route in [o for o in rendered(SWITCHES["gateway"]) if o["kind"] == "HTTPRoute"]:
        for rule in route["spec"]["rules"]:
            prefix = rule["matches"][0]["path"]["value"]
            if path == prefix or path.startswith(prefix + "/"):
                new = rule["filters"][0]["urlRewrite"]["path"]["replacePrefixMatch"]
                return rule["backendRefs"][0]["name"], new + path.removeprefix(prefix)
    return None


@pytest.mark.parametrize("way", [through_the_ingress, through_the_gateway])
@pytest.mark.parametrize("service", SERVICES)
def test_clients_reach_what_a_service_describes_and_nobody_its_health_and_metrics(
    service: str, way: Callable[[str], tuple[str, str] | None]
) -> None:
    paths = served(service)
    assert len(paths) > 5
    assert {path: way(f"/{service}{path}") for path in paths} == {path: (f"leadflow-{service}", path) for path in paths}
    assert [path for path in ("", *INSIDE) if way(f"/{service}{path}") is not None] == []


def test_an_import_may_be_of_any_size_and_own_annotations_are_added() -> None:
    notes = named(rendered(SWITCHES["ingress"]), "Ingress")["metadata"]["annotations"]
    assert notes["nginx.ingress.kubernetes.io/proxy-body-size"] == "0"
    assert notes["a"] == "b"

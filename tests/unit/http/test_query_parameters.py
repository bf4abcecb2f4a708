"""A query parameter that a route does not know is refused with the nearest name, in every service by one mechanism."""

import re
from typing import Annotated
from uuid import UUID

import pytest
from fastapi import Depends, Query
from fastapi.routing import APIRoute

from shared.errors import Invalid, PreconditionRequired, Stale
from shared.http import Router, check_if_match
from shared.http.auth import public
from shared.http.query_parameters import known_parameters, nearest_name
from tests.architecture.apps import SERVICES, app_of
from tests.unit.http.callers import asking


def v1_routes(service: str) -> list[APIRoute]:
    return [route for route in app_of(service).routes if isinstance(route, APIRoute) and route.path.startswith("/v1")]


def documented(service: str, route: APIRoute, method: str) -> set[str]:
    operation = app_of(service).openapi()["paths"][route.path][method.lower()]
    return {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}


@pytest.mark.parametrize("service", SERVICES)
async def test_every_route_refuses_a_parameter_that_it_does_not_know(service: str):
    async with asking(service) as client:
        for route in v1_routes(service):
            if any(dependency.call is public for dependency in route.dependant.dependencies):
                continue
            path = re.sub(r"\{[^}]*\}", str(UUID(int=7)), route.path)
            for method in route.methods:
                answer = await client.request(method, path, params={"no_such_thing": "1"})
                assert answer.status_code == 422, (method, path, answer.text)
                assert answer.json()["errors"][0]["field"] == "no_such_thing"


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_route_knows_is_what_its_documentation_says(service: str):
    for route in v1_routes(service):
        known = known_parameters(route)
        for method in route.methods:
            assert known is None or known == documented(service, route, method), route.path


async def test_the_answer_names_the_nearest_parameter():
    async with asking("outreach") as client:
        answer = await client.get("/v1/drafts", params={"stat": "pending"})
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:leadflow:problem:invalid-content")
        assert answer.json()["errors"] == [
            {"field": "stat", "message": "there is no query parameter 'stat'; did you mean 'state'?"}
        ]
        far = (await client.get("/v1/drafts", params={"zzz": "1"})).json()["detail"]
        assert "known: " in far and "lead_id" in far
        assert "this route has none" in (await client.get("/v1/settings", params={"limit": "1"})).json()["detail"]


async def test_who_may_not_ask_learns_only_that():
    for roles, status in ((None, 401), ("viewer", 403), ("admin", 422)):
        async with asking("outreach", roles) as client:
            assert (await client.post("/v1/drafts", params={"x": "1"}, json={})).status_code == status


@pytest.mark.parametrize("path", ["/livez", "/docs", "/openapi.json"])
async def test_health_and_documentation_take_any_parameter(path: str):
    async with asking("goals") as client:
        assert (await client.get(path, params={"probe": "1"})).status_code == 200


async def test_a_public_address_works_with_what_others_add_to_it():
    async with asking("outreach", roles=None) as client:
        assert (await client.post("/v1/inbound/nobody", params={"utm_source": "mail"})).status_code == 404


def test_a_route_knows_the_parameters_of_what_it_depends_on():
    router = Router()

    def paging(cursor: str | None = None, size: Annotated[int, Query(alias="limit")] = 5) -> None: ...

    @router.get("/things", dependencies=[Depends(paging)])
    async def things(kind: str = "") -> None: ...

    (route,) = router.routes
    assert isinstance(route, APIRoute) and known_parameters(route) == {"kind", "cursor", "limit"}


def test_very_long_names_are_compared_by_their_beginning():
    assert nearest_name("LIMIT", ["limit", "cursor"]) == "limit"
    assert nearest_name("x" * 60_000, ["limit"]) is None


def test_a_stale_if_match_and_one_that_is_no_etag_are_told_apart():
    for tag in ('"3"', 'W/"3"', "*", '"2", "3"'):
        check_if_match(tag, 3)
    with pytest.raises(Stale, match='stale, the present one is "3"'):
        check_if_match('"2"', 3)
    for unquoted in ("3", "2", '"3', "'3'", "", "W/3"):
        with pytest.raises(Invalid, match="quotes") as refused:
            check_if_match(unquoted, 3)
        assert refused.value.errors[0]["field"] == "If-Match"
    with pytest.raises(PreconditionRequired):
        check_if_match(None, 3, required=True)

"""The header Location leads to the same place through a proxy that takes a path off, and without one."""

from urllib.parse import urljoin

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.http.locations import Locations, relative

ID = "0190a0a0-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("here", "path"),
    [
        ("/v1/leads", f"/v1/leads/{ID}"),
        ("/v1/leads/", f"/v1/leads/{ID}"),
        (f"/v1/drafts/{ID}/regenerate", "/v1/drafts/2"),
        (f"/v1/sequences/{ID}/enrolments", f"/v1/enrolments/{ID}"),
        ("/v1/forms/abc/submissions", "/v1/forms/abc/thank-you"),
        ("/v1/forms/abc/submissions", "/v1/forms/abc"),
        ("/v1/forms/abc", "/v1/forms/abc"),
    ],
)
@pytest.mark.parametrize("before", ["https://sales.example.com/capture", "http://capture"])
def test_a_relative_reference_works_with_and_without_a_path_before_it(here: str, path: str, before: str) -> None:
    assert urljoin(before + here, relative(here, path)).rstrip("/") == before + path


async def location_of(value: str, public_url: str) -> str:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(status_code=201, headers={"Location": value})(scope, receive, send)

    transport = httpx.ASGITransport(Locations(app, public_url=public_url))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answered: str = (await client.post("/v1/leads")).headers["location"]
    return answered


@pytest.mark.parametrize("public_url", ["", "http://127.0.0.1:8101", "https://leadflow.example.com/"])
async def test_without_a_path_in_the_public_address_a_location_is_an_absolute_path(public_url: str) -> None:
    assert await location_of("/v1/leads/1", public_url) == "/v1/leads/1"


async def test_below_a_path_a_location_is_relative() -> None:
    assert await location_of("/v1/leads/1", "https://leadflow.example.com/capture") == "leads/1"


@pytest.mark.parametrize("elsewhere", ["https://acme.example/thanks", "//acme.example/thanks"])
async def test_an_address_elsewhere_stays_as_it_is(elsewhere: str) -> None:
    assert await location_of(elsewhere, "https://leadflow.example.com/capture") == elsewhere

"""What a test receives is compared with the description: anything that a generated client could not read is found."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from shared.testing.openapi import Description


class Lead(BaseModel):
    lead_id: str
    owner: str | None = None


def difference(answer: httpx.Response, path: str = "/v1/leads/7") -> str | None:
    app = FastAPI()

    @app.get("/v1/leads/{lead_id}")
    async def read(lead_id: str) -> Lead:
        return Lead(lead_id=lead_id)

    answer.request = httpx.Request("GET", f"http://capture{path}")
    return Description(app.openapi()).difference(answer)


@pytest.mark.parametrize("body", [{"lead_id": "7"}, {"lead_id": "7", "owner": None}, {"lead_id": "7", "owner": "ann"}])
def test_an_answer_as_it_is_described_passes(body: dict[str, Any]):
    assert difference(httpx.Response(200, json=body)) is None


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (httpx.Response(200, json={"owner": "ann"}), '"lead_id" is a required property'),
        (httpx.Response(200, json={"lead_id": 7}), 'lead_id: 7 is not of type "string"'),
        (httpx.Response(200, json={"lead_id": "7", "band": "A"}), "'band' was unexpected"),
        (httpx.Response(404, json={}), "404 is not described"),
        (httpx.Response(200, text="7"), "is not described as text/plain"),
    ],
)
def test_an_answer_that_differs_is_found(answer: httpx.Response, found: str):
    assert found in (difference(answer) or "")


def test_a_path_that_is_not_described_is_left_alone():
    assert difference(httpx.Response(404), "/v1/nothing") is None

"""Before the token nothing costs: no body is read, none is larger than its route needs, none takes for ever."""

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from services.outreach.drafts.schemas import MAX_TEXT
from services.outreach.sending.templates import MAX_TEMPLATE
from services.outreach.sequences.schemas import MOST_STEPS
from shared import limits
from shared.http import admission
from shared.limits import DEFAULT_BODY_BYTES, MAX_BODY_BYTES
from shared.strict_json import depth_of
from tests.unit.http.callers import asking

ID = "00000000-0000-0000-0000-000000000007"
WRITES = [
    ("capture", "POST", "/v1/leads"),
    ("capture", "POST", "/v1/leads/batch"),
    ("capture", "POST", "/v1/imports"),
    ("capture", "PATCH", "/v1/webhooks/a-token"),
    ("capture", "PATCH", "/v1/forms/a-token"),
    ("capture", "DELETE", "/v1/forms/a-token/submissions"),
    ("enrichment", "PUT", "/v1/directory"),
    ("scoring", "POST", "/v1/models"),
    ("stages", "POST", "/v1/moves"),
    ("outreach", "POST", "/v1/replies"),
    ("goals", "POST", "/v1/goals"),
]


class Body:
    """A body that knows how much of it was read."""

    def __init__(self, megabytes: int = 10) -> None:
        self.read = 0
        self._parts = megabytes * 16

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._parts):
            self.read += 65_536
            yield b" " * 65_536


@pytest.mark.parametrize(("service", "method", "path"), WRITES)
async def test_without_a_token_no_byte_of_the_body_is_read(service: str, method: str, path: str) -> None:
    body = Body()
    async with asking(service, None, **{"Content-Type": "application/json"}) as client:
        answer = await client.request(method, path, content=body)
    assert (answer.status_code, body.read) == (401, 0)
    assert answer.headers["connection"] == "close"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_body_is_read_up_to_the_limit_of_its_route_and_no_further() -> None:
    async with asking("goals", **{"Content-Type": "application/json"}) as client:
        body = Body()
        answer = await client.post("/v1/goals", content=body)
    assert answer.status_code == 413
    assert body.read <= limits.DEFAULT_BODY_BYTES + 65_536
    async with asking("capture", **{"Content-Type": "application/json"}) as client:
        answer = await client.post("/v1/leads/batch", content=b'{"leads": [' + b" " * 1_000_000)
    assert answer.status_code == 400, "a megabyte is read where the route needs it"


async def test_only_the_method_that_needs_a_large_body_may_have_one() -> None:
    async with asking("capture", **{"Content-Type": "application/json"}) as client:
        for method, path in (("PATCH", "/v1/webhooks/a-token"), ("PUT", "/v1/leads/batch"), ("PUT", "/v1/imports")):
            body = Body()
            answer = await client.request(method, path, content=body, headers={"Content-Length": "10485760"})
            assert (answer.status_code, body.read) == (413, 0), path


LETTER = "\N{GRINNING FACE}"
TEXT = LETTER * MAX_TEMPLATE
STEPS = {"name": "x", "steps": [{"body": TEXT}] * MOST_STEPS}
STRATEGY = {"kind": "nobody", "stage": "new", "templates": {each: {"body": TEXT} for each in ("email", "sms")}}
TEXTS = [
    ("POST", "/v1/drafts", {"body": LETTER * MAX_TEXT}),
    ("POST", f"/v1/drafts/{ID}/edit", {"body": LETTER * MAX_TEXT, "approve": "perhaps"}),
    ("POST", "/v1/sequences", STEPS),
    ("PUT", f"/v1/sequences/{ID}", STEPS),
    ("POST", "/v1/strategies", {**STRATEGY, "aim": " " * DEFAULT_BODY_BYTES}),
    ("PUT", "/v1/strategies", {"items": [STRATEGY] * 50}),
]


@pytest.mark.parametrize(("method", "path", "content"), TEXTS)
async def test_texts_that_people_may_write_are_read_whole(method: str, path: str, content: object) -> None:
    body = orjson.dumps(content)
    assert DEFAULT_BODY_BYTES < len(body) <= MAX_BODY_BYTES
    async with asking("outreach", **{"Content-Type": "application/json"}) as client:
        answer = await client.request(method, path, content=body)
    assert answer.status_code == 422, answer.text[:200]


async def test_a_body_that_comes_too_slowly_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "BODY_SECONDS", 0.1)

    async def drips() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b" "
            await asyncio.sleep(0.05)

    async with asking("goals", **{"Content-Type": "application/json"}) as client:
        answer = await client.post("/v1/goals", content=drips())
    assert answer.status_code == 408, answer.text
    assert answer.json()["type"] == "urn:leadflow:problem:request-timeout"


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"1" * 5_000])
async def test_a_number_that_json_does_not_know_is_malformed(number: bytes) -> None:
    async with asking("goals", **{"Content-Type": "application/json"}) as client:
        answer = await client.post("/v1/goals", content=b'{"name": "g", "target": ' + number + b"}")
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("depth", [65, 200, 1_000, 5_000])
async def test_deep_nesting_is_refused_with_a_reason(depth: int) -> None:
    async with asking("goals", **{"Content-Type": "application/json"}) as client:
        answer = await client.post("/v1/goals", content=b'{"filter": ' + b"[" * depth + b"]" * depth + b"}")
    assert answer.status_code in (400, 422), answer.text
    assert "nested" in answer.json()["detail"] or "depth" in answer.json()["detail"] or answer.status_code == 400


def test_the_depth_of_a_value_is_counted_up_to_the_limit() -> None:
    assert depth_of(7, 10) == 0
    assert depth_of([[], {"a": [1]}], 10) == 3
    assert depth_of(orjson.loads(b"[" * 500 + b"]" * 500), 10) == 11


async def test_a_wide_body_is_not_a_deep_one() -> None:
    wide = {"more": [[number] for number in range(5_000)]}
    async with asking("goals", **{"Content-Type": "application/json"}) as client:
        answer = await client.post("/v1/goals", content=orjson.dumps(wide))
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} >= {"name", "target"}, "it was read, and found wanting"

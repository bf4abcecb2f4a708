"""What is refused before anybody looks at the content, and with which status: the same in every service."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from shared.limits import MAX_BODY_BYTES as MAX_BODY
from tests.unit.http.callers import asking

ID = UUID(int=7)
POSTS = [
    ("capture", "/v1/leads"),
    ("scoring", "/v1/models"),
    ("stages", f"/v1/leads/{ID}/notes"),
    ("outreach", "/v1/drafts"),
    ("goals", "/v1/goals"),
]
BY_ID = [
    ("capture", "/v1/leads/no-id"),
    ("enrichment", "/v1/leads/no-id/facts"),
    ("scoring", "/v1/leads/no-id/score"),
    ("scoring", "/v1/models/x"),
    ("stages", "/v1/leads/no-id"),
    ("outreach", "/v1/drafts/no-id"),
    ("goals", "/v1/goals/no-id"),
    ("goals", "/v1/dead-letters/no-id"),
]


@pytest.mark.parametrize(("service", "path"), POSTS)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
async def test_a_body_that_is_said_to_be_no_json_is_an_unsupported_media_type(service: str, path: str, kind: str):
    async with asking(service) as client:
        answer = await client.post(path, content=b'{"name": "x"}', headers={"Content-Type": kind})
    assert answer.status_code == 415, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "application/json" in answer.json()["detail"]


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/merge-patch+json"}])
async def test_json_is_read_without_a_content_type_and_under_any_that_is_json(headers: dict[str, str]):
    async with asking("goals") as client:
        assert (await client.post("/v1/goals", content=b'{"name": ""}', headers=headers)).status_code == 422
        assert (await client.post("/v1/goals", content=b"{", headers=headers)).status_code == 400


async def test_a_missing_body_is_invalid_whatever_its_type():
    async with asking("goals", **{"Content-Type": "text/plain"}) as client:
        assert (await client.post("/v1/goals")).status_code == 422


@pytest.mark.parametrize(("service", "path"), POSTS)
@pytest.mark.parametrize("broken", [b'{"source":', b'{"source": "\xff"}'])
async def test_who_may_not_ask_is_told_so_though_the_json_is_malformed(service: str, path: str, broken: bytes):
    for roles, status in ((None, 401), ("viewer", 403), ("admin", 400)):
        async with asking(service, roles, **{"Content-Type": "application/json"}) as client:
            answer = await client.post(path, content=broken)
        assert answer.status_code == status, (roles, answer.text)
        assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize(("service", "path"), BY_ID)
async def test_an_id_that_cannot_be_one_is_not_there(service: str, path: str):
    async with asking(service) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:leadflow:problem:not-found")


async def too_much() -> AsyncIterator[bytes]:
    for _ in range(MAX_BODY // 2**20 + 1):
        yield b" " * 2**20


@pytest.mark.parametrize(("service", "path"), [*POSTS, ("enrichment", "/v1/directory")])
async def test_too_large_a_body_is_413_also_where_nobody_said_its_length(service: str, path: str):
    method = "PUT" if service == "enrichment" else "POST"
    async with asking(service, **{"Content-Type": "application/json"}) as client:
        streamed = await client.request(method, path, content=too_much())
        declared = await client.request(method, path, content=b" " * (MAX_BODY + 1))
    for answer in (streamed, declared):
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:leadflow:problem:too-large"), answer.text


@pytest.mark.parametrize(
    ("service", "method", "path", "body"),
    [
        ("capture", "GET", f"/v1/leads/{ID}", None),
        ("capture", "POST", "/v1/leads", {"source": "web", "email": "ada@example.com"}),
        ("enrichment", "GET", "/v1/settings", None),
        ("scoring", "GET", "/v1/models", None),
        ("stages", "GET", "/v1/queue", None),
        ("outreach", "GET", "/v1/drafts", None),
        ("goals", "POST", "/v1/goals", {"name": "g", "target": 5}),
    ],
)
async def test_while_the_database_is_away_the_answer_says_try_again(service, method, path, body):
    async with asking(service, database=False) as client:
        answer = await client.request(method, path, json=body)
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("service", "path"),
    [("capture", "/v1/leads/batch"), ("capture", "/v1/imports/preview"), ("outreach", "/v1/drafts/bulk")],
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_a_path_with_a_name_of_its_own_is_not_taken_for_one_with_an_id(service: str, path: str, method: str):
    async with asking(service) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST"), answer.text

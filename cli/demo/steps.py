"""The steps of a person in the demo, through the services' public APIs only, as any other client would do them."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cli.client import http_client
from cli.errors import Refused

FILES = Path(__file__).parents[2] / "deploy" / "local" / "demo"
GOAL = {"name": "50 qualified leads a month", "metric": "first_qualified", "target": 50, "period": "month"}
_WAIT_SECONDS = 60.0

T = TypeVar("T")


def all_items(http: Any, path: str, **params: object) -> Iterator[dict[str, Any]]:
    """The items of a list, page by page: the next page is asked for once the one before it is used up."""
    cursor: str | None = ""
    while cursor is not None:
        asked = {"limit": 200, **params} | ({"cursor": cursor} if cursor else {})
        page = http.get(path, params=asked).raise_for_status().json()
        yield from page["items"]
        cursor = page["next_cursor"]


def queue(data: Path, tenant: str, **filters: object) -> Iterator[dict[str, Any]]:
    """The lead queue, the best lead first."""
    with http_client(data, "stages", tenant, "viewer") as http:
        yield from all_items(http, "/v1/queue", **filters)


def contact(data: Path, tenant: str, lead_id: str) -> dict[str, Any]:
    """A lead's contact details, from capture."""
    with http_client(data, "capture", tenant, "viewer") as http:
        lead: dict[str, Any] = http.get(f"/v1/leads/{lead_id}").raise_for_status().json()
        return lead


def display_name(lead: Mapping[str, Any]) -> str:
    """The lead's name, else its e-mail address, phone number or id."""
    name = lead.get("full_name") or " ".join(filter(None, (lead.get("first_name"), lead.get("last_name"))))
    return str(name or lead.get("email") or lead.get("phone") or lead.get("lead_id"))


def find_lead(data: Path, tenant: str, lead: str) -> str:
    """The id of a lead. `top` is the first lead of the queue in stage new with an e-mail address. Raises Refused."""
    if lead != "top":
        return lead
    for item in queue(data, tenant, stage="new"):
        if contact(data, tenant, item["lead_id"]).get("email"):
            return str(item["lead_id"])
    raise Refused("there is no new lead with an e-mail address in the queue")


def request_draft(data: Path, tenant: str, lead_id: str, kind: str) -> None:
    """Ask the agent for an e-mail draft. It exists a moment later."""
    with http_client(data, "outreach", tenant, "reviewer") as http:
        http.post("/v1/drafts", json={"lead_id": lead_id, "kind": kind, "channel": "email"}).raise_for_status()


def pending_drafts(data: Path, tenant: str, lead_id: str | None = None) -> list[dict[str, Any]]:
    """The drafts that wait for approval."""
    params = {"state": "pending"} | ({"lead_id": lead_id} if lead_id else {})
    with http_client(data, "outreach", tenant, "viewer") as http:
        return list(all_items(http, "/v1/drafts", **params))


def find_draft(data: Path, tenant: str, id: str) -> dict[str, Any]:
    """A draft with its text, by its own id or by the id of its lead. Raises Refused."""
    draft_id = next((draft["draft_id"] for draft in pending_drafts(data, tenant, id)), id)
    with http_client(data, "outreach", tenant, "viewer") as http:
        response = http.get(f"/v1/drafts/{draft_id}")
        if response.status_code in (404, 422):
            raise Refused(f"{id} is neither the id of a draft nor that of a lead with a pending draft")
        draft: dict[str, Any] = response.raise_for_status().json()
        return draft


def approve(data: Path, tenant: str, draft: Mapping[str, Any], *, acknowledge: bool = False) -> list[str]:
    """Approve exactly the message that was shown: the approval names its hash. What the reviewer is warned of.

    `acknowledge`: approve it although nothing known supports some of its sentences.
    """
    body = {"sha256": draft["sha256"], "acknowledge_unsupported": acknowledge}
    with http_client(data, "outreach", tenant, "reviewer") as http:
        answer = http.post(f"/v1/drafts/{draft['draft_id']}/approve", json=body).raise_for_status()
    return [warning["message"] for warning in answer.json()["warnings"]]


def qualify(data: Path, tenant: str, lead_id: str) -> list[str]:
    """Tick the required items of the tenant's checklist; returns their labels."""
    with http_client(data, "stages", tenant, "reviewer") as http:
        items = http.get("/v1/settings").raise_for_status().json()["checklist"]
        required = [item for item in items if item["required"] and not item.get("rule")]
        for item in required:
            body = {"ticked": True, "evidence": "confirmed on the phone"}
            http.put(f"/v1/leads/{lead_id}/checklist/{item['id']}", json=body).raise_for_status()
        return [item["label"] for item in required]


def lead(data: Path, tenant: str, lead_id: str) -> dict[str, Any]:
    """A lead as stages shows it: stage, score, checklist."""
    with http_client(data, "stages", tenant, "viewer") as http:
        shown: dict[str, Any] = http.get(f"/v1/leads/{lead_id}").raise_for_status().json()
        return shown


def timeline(data: Path, tenant: str, lead_id: str) -> list[dict[str, Any]]:
    """A lead's activities, the newest first."""
    with http_client(data, "stages", tenant, "viewer") as http:
        return list(all_items(http, f"/v1/leads/{lead_id}/timeline"))


def goal(data: Path, tenant: str) -> dict[str, Any]:
    """The demo's goal with its progress; the first call creates it."""
    with http_client(data, "goals", tenant, "admin") as http:
        for item in all_items(http, "/v1/goals"):
            if item["name"] == GOAL["name"]:
                return item
        created: dict[str, Any] = http.post("/v1/goals", json=GOAL | {"timezone": "UTC"}).raise_for_status().json()
        return created


def publish(bootstrap: str, tenant: str, submissions: Sequence[Mapping[str, Any]]) -> int:
    """Publish leads on `lead.submitted` as another system does (CloudEvents, binary mode); returns their number."""

    async def send() -> None:
        from shared.messaging.connection import Kafka

        producer = Kafka(bootstrap).producer()
        try:
            await producer.start()
            for submission in submissions:
                attributes = {
                    "ce_specversion": "1.0",
                    "ce_id": str(uuid.uuid4()),
                    "ce_type": "lead.submitted",
                    "ce_source": "urn:example:website",
                    "ce_time": datetime.now(UTC).isoformat(),
                    "ce_tenantid": tenant,
                    "content-type": "application/json",
                }
                headers = [(name, value.encode()) for name, value in attributes.items()]
                await producer.send_and_wait("lead.submitted", json.dumps(submission).encode(), headers=headers)
        finally:
            await producer.stop()

    asyncio.run(send())
    return len(submissions)


class WaitTimeout(Exception):
    """A condition did not become true in time; the message names it."""


def wait_for(name: str, check: Callable[[], T | None], *, stopped: Callable[[], bool]) -> T:
    """The first result of `check` that is not None or empty. Raises WaitTimeout, also when `stopped` returns true."""
    import httpx

    deadline = time.monotonic() + _WAIT_SECONDS
    while not stopped():
        try:
            if result := check():
                return result
        except httpx.TransportError:
            pass  # a service is being restarted; the deadline still applies
        if time.monotonic() > deadline:
            break
        time.sleep(0.3)
    raise WaitTimeout(name)

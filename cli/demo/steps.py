"""What a person does in the demo, through the services' public APIs; nothing here knows more than any other client."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cli.options import Refused, client

FILES = Path(__file__).parents[2] / "deploy" / "local" / "demo"
GOAL = {"name": "50 qualified leads a month", "metric": "first_qualified", "target": 50, "period": "month"}

T = TypeVar("T")


def queue(data: Path, tenant: str, **filters: object) -> list[dict[str, Any]]:
    """A page of the lead queue, the best lead first."""
    with client(data, "stages", tenant, "viewer") as http:
        answer = http.get("/v1/queue", params={"limit": 200, **filters})
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return items


def contact(data: Path, tenant: str, lead_id: str) -> dict[str, Any]:
    """What capture knows of a lead."""
    with client(data, "capture", tenant, "viewer") as http:
        lead: dict[str, Any] = http.get(f"/v1/leads/{lead_id}").raise_for_status().json()
        return lead


def name_of(lead: Mapping[str, Any]) -> str:
    """How a person calls a lead."""
    name = lead.get("full_name") or " ".join(filter(None, (lead.get("first_name"), lead.get("last_name"))))
    return str(name or lead.get("email") or lead.get("phone") or lead.get("lead_id"))


def find_lead(data: Path, tenant: str, which: str) -> str:
    """A lead's id: as it is, or `top` for the first of the queue that is still new. Raises Refused."""
    if which != "top":
        return which
    for lead in queue(data, tenant, stage="new"):
        if contact(data, tenant, lead["lead_id"]).get("email"):
            return str(lead["lead_id"])
    raise Refused("there is no new lead with an e-mail address in the queue")


def ask_draft(data: Path, tenant: str, lead_id: str, kind: str) -> None:
    """Ask the agent for a draft by e-mail; it is there a moment later."""
    with client(data, "outreach", tenant, "reviewer") as http:
        http.post("/v1/drafts", json={"lead_id": lead_id, "kind": kind, "channel": "email"}).raise_for_status()


def pending_drafts(data: Path, tenant: str, lead_id: str | None = None) -> list[dict[str, Any]]:
    """Drafts that wait for a person."""
    params = {"state": "pending"} | ({"lead_id": lead_id} if lead_id else {})
    with client(data, "outreach", tenant, "viewer") as http:
        items: list[dict[str, Any]] = http.get("/v1/drafts", params=params).raise_for_status().json()["items"]
        return items


def find_draft(data: Path, tenant: str, which: str) -> dict[str, Any]:
    """A draft by its id, or the pending one of a lead, with its text. Raises Refused."""
    found = next((d["draft_id"] for d in pending_drafts(data, tenant, which)), which)
    with client(data, "outreach", tenant, "viewer") as http:
        answer = http.get(f"/v1/drafts/{found}")
        if answer.status_code in (404, 422):
            raise Refused(f"{which} is neither a draft nor a lead with a pending draft")
        draft: dict[str, Any] = answer.raise_for_status().json()
        return draft


def approve(data: Path, tenant: str, draft: Mapping[str, Any]) -> None:
    """Approve exactly the text that was seen: by its hash."""
    with client(data, "outreach", tenant, "reviewer") as http:
        http.post(f"/v1/drafts/{draft['draft_id']}/approve", json={"sha256": draft["sha256"]}).raise_for_status()


def qualify(data: Path, tenant: str, lead_id: str) -> list[str]:
    """Tick what the tenant's checklist asks for; returns the labels that were ticked."""
    with client(data, "stages", tenant, "reviewer") as http:
        items = http.get("/v1/settings").raise_for_status().json()["checklist"]
        wanted = [item for item in items if item["required"] and not item.get("rule")]
        for item in wanted:
            body = {"ticked": True, "evidence": "said so on the phone"}
            http.put(f"/v1/leads/{lead_id}/checklist/{item['id']}", json=body).raise_for_status()
        return [item["label"] for item in wanted]


def lead(data: Path, tenant: str, lead_id: str) -> dict[str, Any]:
    """Where stages sees the lead."""
    with client(data, "stages", tenant, "viewer") as http:
        found: dict[str, Any] = http.get(f"/v1/leads/{lead_id}").raise_for_status().json()
        return found


def timeline(data: Path, tenant: str, lead_id: str) -> list[dict[str, Any]]:
    """A lead's activities, the newest first."""
    with client(data, "stages", tenant, "viewer") as http:
        answer = http.get(f"/v1/leads/{lead_id}/timeline", params={"limit": 200})
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return items


def goal(data: Path, tenant: str) -> dict[str, Any]:
    """The demo's goal with its progress; the first call sets it."""
    with client(data, "goals", tenant, "admin") as http:
        for item in http.get("/v1/goals").raise_for_status().json()["items"]:
            if item["name"] == GOAL["name"]:
                return dict(item)
        made: dict[str, Any] = http.post("/v1/goals", json=GOAL | {"timezone": "UTC"}).raise_for_status().json()
        return made


def publish(bootstrap: str, tenant: str, submissions: Sequence[Mapping[str, Any]]) -> int:
    """Hand leads over on Kafka, as any other system does: `lead.submitted`, CloudEvents in binary mode."""

    async def send() -> None:
        from aiokafka import AIOKafkaProducer

        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
        await producer.start()
        try:
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


class TookTooLong(Exception):
    """What was waited for did not come in time."""


def wait_for(what: str, look: Callable[[], T | None], *, seconds: float = 60, stopped: Callable[[], bool]) -> T:
    """The first result of `look` that is not None or empty. Raises TookTooLong, also when `stopped`."""
    import httpx

    deadline = time.monotonic() + seconds
    while not stopped():
        try:
            if found := look():
                return found
        except httpx.TransportError:
            pass  # a service that is being restarted; the deadline holds all the same
        if time.monotonic() > deadline:
            break
        time.sleep(0.3)
    raise TookTooLong(what)

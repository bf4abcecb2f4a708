"""What tests of sequences do step by step: write a sequence, enrol a lead, let the workers look at what is due."""

from typing import Any
from uuid import UUID

from services.outreach.drafts.use_cases.addressing import SenderAddresses
from services.outreach.sending.workers import check_exhaustion
from services.outreach.sequences.workers import Steps, run_jobs

TEXT = {"channel": "email", "subject": "A question for {{ company }}", "body": "Hi {{ first_name }}, is it?"}


def text(delay: str = "P3D", **more: Any) -> dict[str, Any]:
    return {**TEXT, "delay": delay, **more}


def template(delay: str = "P3D", **more: Any) -> dict[str, Any]:
    return text(delay, template=True, **more)


async def take_steps(office: Any) -> int:
    """Let the worker look at the enrolments that are due, until none is."""
    settings = office.context.settings
    worker = Steps(office.context, SenderAddresses(settings.mail_domain, settings.sms_from))
    done = 0
    for _ in range(50):
        found = await worker.step(office.database)
        if not found:
            return done
        done += found
    raise AssertionError("enrolments do not come to rest")


async def all_jobs(office: Any) -> None:
    while await run_jobs(office.database):
        pass


async def check_channels(office: Any) -> None:
    """Check the channels of all leads that are due, of whatever test, until none is."""
    while await check_exhaustion(office.database):
        pass


async def written(office: Any, tenant: str, *steps: dict[str, Any], active: bool = True, **more: Any) -> dict[str, Any]:
    """A sequence of these steps; switched on, with all its templates approved."""
    async with office.client(tenant, "admin") as http:
        answer = await http.post("/v1/sequences", json={"name": "Fair", "steps": list(steps), **more})
        assert answer.status_code == 201, answer.text
        sequence = dict(answer.json())
    return await activated(office, tenant, sequence) if active else sequence


async def activated(office: Any, tenant: str, sequence: dict[str, Any]) -> dict[str, Any]:
    hashes = [step["template_sha256"] for step in sequence["steps"] if step["template_sha256"]]
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post(f"/v1/sequences/{sequence['sequence_id']}/activate", json={"template_sha256s": hashes})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def enrolled(office: Any, tenant: str, sequence: dict[str, Any], lead: UUID, **more: Any) -> dict[str, Any]:
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post(
            f"/v1/sequences/{sequence['sequence_id']}/enrolments", json={"lead_id": str(lead), **more}
        )
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def enrolment(office: Any, tenant: str, of: dict[str, Any]) -> dict[str, Any]:
    async with office.client(tenant, "viewer") as http:
        answer = await http.get(f"/v1/enrolments/{of['enrolment_id']}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def pending(office: Any, tenant: str, lead: UUID) -> list[dict[str, Any]]:
    async with office.client(tenant, "viewer") as http:
        params = {"state": "pending", "lead_id": str(lead), "kind": "sequence"}
        items = (await http.get("/v1/drafts", params=params)).json()["items"]
        return [(await http.get(f"/v1/drafts/{item['draft_id']}")).json() for item in items]


async def approve(office: Any, tenant: str, lead: UUID) -> dict[str, Any]:
    """Approve the one draft of a sequence that waits for the lead."""
    (draft,) = await pending(office, tenant, lead)
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post(f"/v1/drafts/{draft['draft_id']}/approve", json={"sha256": draft["sha256"]})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def dispatches(office: Any, tenant: str, lead: UUID) -> list[dict[str, Any]]:
    async with office.client(tenant, "viewer") as http:
        return list((await http.get("/v1/dispatches", params={"lead_id": str(lead)})).json()["items"])


async def replied(office: Any, tenant: str, lead: UUID, said: str, subject: str = "Re: hello") -> dict[str, Any]:
    """A reply of the lead, from its own address."""
    async with office.database.worker() as work:
        rows = await work.fetch("SELECT email FROM lead WHERE tenant_id = :t AND lead_id = :l", t=tenant, l=lead)
    head = f"From: {rows[0]['email']}\r\nTo: sales@x.example\r\nSubject: {subject}\r\n"
    if subject.startswith("Out of office"):
        head += "Auto-Submitted: auto-replied\r\n"
    raw = f"{head}Message-ID: <{lead.hex[:8]}{abs(hash(said))}@x.example>\r\n\r\n{said}\r\n".encode()
    async with office.client(tenant, "service") as http:
        answer = await http.post("/v1/replies", content=raw, headers={"Content-Type": "message/rfc822"})
    assert (answer.status_code, answer.json()["outcome"]) == (202, "matched"), answer.text
    return dict(answer.json())

"""What the running services publish is what the checked-in schemas promise, and what the contract lists as required."""

from typing import Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator

from shared.events import CATALOGUE
from shared.events.documents.asyncapi import document
from shared.testing.bus import Seen
from tests.contracts.records import golden

REQUIRED = {
    "lead.captured": "lead_id source created_on consent",
    "lead.updated": "lead_id source created_on consent changed version",
    "lead.merged": "lead_id alias_id merge_id version",
    "lead.erased": "lead_id",
    "lead.enriched": "facts providers",
    "submission.answered": "submission_id outcome lead_id",
    "engagement.recorded": "kind",
    "lead.scored": "fit intent engagement total band model_version scored_at",
    "draft.created": "draft_id kind channel sha256",
    "draft.decided": "draft_id decision actor sha256",
    "message.sent": "message_id draft_id channel kind",
    "message.bounced": "message_id channel severity code detail address address_state",
    "reply.received": "reply_id channel label confidence method labelled_at",
    "contact.opted_out": "channel how",
    "outreach.mode_changed": "mode previous",
    "meeting.booked": "meeting_id starts_at ends_at",
    "meeting.cancelled": "meeting_id",
    "stage.changed": "from to from_status status rule actor reason caused_by occurred_at recorded_at revision journey",
    "lead.assigned": "owner previous actor",
    "lead.became_hot": "total threshold",
    "goal.progressed": "goal_id period_start current_value target",
    "goal.achieved": "goal_id period_start current_value target",
}
"""Fields that other systems are promised in every event of a type, also where our own reader could do without."""

JOURNEY = "contacted first_qualified_on won_on meetings_held owner created_on"
NOT_WALKED = {"lead.submitted", "outreach.exhausted", "sequence.enrolled", "sequence.exited", "sequence.changed"}
"""Types that this walk does not bring about."""

COMPONENTS = document()["components"]


def complaints(seen: Seen) -> list[str]:
    """What is wrong with a published record, field by field."""
    sample = golden(f"{seen.type}.1")
    found = [] if sample.fits(seen.data) else ["does not fit its schema"]
    headers = {"components": COMPONENTS, "allOf": [COMPONENTS["messages"][sample.name]["headers"]]}
    found += [error.message for error in Draft202012Validator(headers).iter_errors(seen.headers)]
    found += [f"{field} is missing" for field in REQUIRED[seen.type].split() if field not in seen.data]
    if "journey" in seen.data:
        found += [f"journey.{field} is missing" for field in JOURNEY.split() if field not in seen.data["journey"]]
    found += [
        f"{field} is not in the schema" for field in sorted(seen.data.keys() - sample.schema["properties"].keys())
    ]
    if seen.key != seen.lead_id:
        found.append("the key is not the subject")
    return [f"{seen.type}: {what}" for what in found]


@pytest.fixture
async def walked(start: Any, bus: Any, tenant: str, eventually: Any, tmp_path: Any) -> list[Seen]:
    """Everything that the services say of two leads, one of which goes a long way."""
    services = {name: await start(name) for name in ("capture", "enrichment", "scoring", "stages", "goals")}
    services["outreach"] = await start("outreach", sms_file=tmp_path / "sms.jsonl")

    async def ask(service: str, method: str, path: str, body: Any = None, role: str = "admin", **headers: str) -> Any:
        async with services[service].client(tenant, role, **headers) as api:
            answer = await api.request(method, f"/v1{path}", json=body)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def once_known(service: str, method: str, path: str, body: Any = None) -> Any:
        """Ask again until the service has heard of the lead."""
        answers: list[Any] = []

        async def known() -> bool:
            answers.append(await ask(service, method, path, body))
            return True

        await eventually(known)
        return answers[-1]

    settings = await ask("stages", "GET", "/settings")
    body = {key: settings[key] for key in ("checklist", "quiet_days", "react_within_hours")}
    await ask("stages", "PUT", "/settings", {**body, "thresholds": {"hot": {"up": 3, "down": 1}}})
    goal = {"name": "One", "metric": "qualified_created", "target": 1, "period": "month", "timezone": "Europe/Berlin"}
    await ask("goals", "POST", "/goals", goal)

    phone = f"+1555{uuid4().int % 10**7:07d}"
    lead = {
        "source": "website",
        "email": f"ada-{tenant}@nordlicht-solar.example",
        "phone": phone,
        "first_name": "Ada",
        "last_name": "Lindqvist",
        "job_title": "CEO",
        "company": "Nordlicht Solar GmbH",
        "consent": {"email": "granted", "sms": "granted", "basis": "contract", "source": "form"},
    }
    lead_id = (await ask("capture", "POST", "/leads", lead))["lead_id"]
    other = {"source": "fair", "email": f"eve-{tenant}@example.org"}
    other_id = (await ask("capture", "POST", "/leads", other))["lead_id"]
    merge = await ask("capture", "POST", f"/leads/{lead_id}/merge", {"alias_id": other_id})
    await ask("capture", "POST", f"/merges/{merge['merge_id']}/undo")
    await ask("capture", "PATCH", f"/leads/{lead_id}", {"campaign": "spring"}, **{"If-Match": "*"})
    await ask("capture", "DELETE", f"/leads/{other_id}")
    bus.publish("lead.submitted", lead, tenant=tenant)
    await ask("capture", "POST", "/engagements", {"lead_id": lead_id, "kind": "trial", "page": "Trial"})

    wanted = {"lead_id": lead_id, "kind": "first", "channel": "sms", "body": "Good morning, Ada."}
    draft = await once_known("outreach", "POST", "/drafts", wanted)
    approval = {"sha256": draft["sha256"]}
    await ask("outreach", "POST", f"/drafts/{draft['draft_id']}/approve", approval, "reviewer")
    (sent,) = await bus.read("message.sent", tenant=tenant)
    status = {"message_sid": sent.data["message_id"], "status": "undelivered", "code": "30003"}
    await ask("outreach", "POST", "/sms/status", status, "service")
    await ask("outreach", "PUT", f"/leads/{lead_id}/mode", {"mode": "email_only"})
    reply = {"from": phone, "to": "+12025550100", "body": "STOP", "message_sid": f"SM{tenant}"}

    await once_known("stages", "PUT", f"/leads/{lead_id}/stage", {"stage": "qualified"})
    await bus.read("goal.achieved", tenant=tenant, within=90)
    await ask("stages", "PUT", f"/leads/{lead_id}/owner", {"owner": "lea.brandt"})
    meeting = {"starts_at": "2096-03-18T13:00:00+01:00", "ends_at": "2096-03-18T13:30:00+01:00", "title": "Storage"}
    booked = await ask("stages", "POST", f"/leads/{lead_id}/meetings", meeting)
    await ask("stages", "DELETE", f"/leads/{lead_id}/meetings/{booked['meeting_id']}")
    await ask("outreach", "POST", "/sms/inbound", reply, "service")
    await bus.read("stage.changed", tenant=tenant, where=lambda seen: seen.data["to"] == "dead")
    for type_ in REQUIRED:
        await bus.read(type_, tenant=tenant)
    return bus.seen(*REQUIRED, tenant=tenant)


async def test_every_published_event_keeps_the_contract(walked: list[Seen]) -> None:
    assert {seen.type for seen in walked} == set(CATALOGUE) - NOT_WALKED
    assert [complaint for seen in walked for complaint in complaints(seen)] == []

    counts: dict[tuple[str, str], set[int]] = {}
    for seen in walked:
        counts.setdefault((seen.headers["ce_source"], seen.lead_id), set()).add(int(seen.headers["ce_sequence"]))
    gaps = {key: sorted(numbers) for key, numbers in counts.items() if numbers != set(range(1, len(numbers) + 1))}
    assert gaps == {}, "a lead's events by one source are counted 1..n over all its topics"
    assert {seen.headers["ce_source"] for seen in walked} == {
        f"urn:leadflow:{event.publisher}" for type_, event in CATALOGUE.items() if type_ in REQUIRED
    }
    captures = {seen.headers["ce_correlationid"] for seen in walked if seen.type.startswith("lead.")}
    assert {seen.headers["ce_correlationid"] for seen in walked if seen.type == "lead.enriched"} <= captures
    ids = {seen.id for seen in walked}
    assert all(seen.headers["ce_causationid"] in ids for seen in walked if seen.type == "lead.enriched")


def test_a_planted_fault_of_a_published_event_is_found() -> None:
    sample = golden("message.sent.1")
    good = Seen("message.sent", sample.value, sample.headers, sample.key, 0, 0)
    assert complaints(good) == []
    data = {key: value for key, value in sample.value.items() if key != "draft_id"} | {"step": "1", "colour": "red"}
    bad = Seen("message.sent", data, {**sample.headers, "ce_tenantid": "Acme"}, "other", 0, 0)
    assert [complaint.partition(": ")[2][:30] for complaint in complaints(bad)] == [
        "does not fit its schema",
        "'Acme' does not match '^[a-z0-",
        "draft_id is missing",
        "colour is not in the schema",
        "the key is not the subject",
    ]

"""An erasure leaves no word of the person in any table of the services that capture tells about it.

Capture and enrichment have tests of their own, because words reach them by more ways than by events.
"""

import json
from functools import partial
from uuid import uuid4

import pytest

from shared.testing.builders import ALead, ago
from tests.persons import places

WORDS = ("adelheid", "kingsbridge", "15123456789")
PERSON = {
    "email": "adelheid.king@acme.example",
    "phone": "+4915123456789",
    "first_name": "Adelheid",
    "full_name": "Adelheid King",
    "company": "Kingsbridge Ltd",
    "attributes": {"nickname": "Adelheid the Great"},
    "consent": {"email": "granted", "source": "a call with Adelheid"},
}


def everything_about(lead: ALead) -> None:
    """Events in every one of which the person stands, and one that nobody can read."""
    lead.captured(**PERSON, time=ago(minutes=9))
    lead.updated(["company"], **PERSON | {"company": "Kingsbridge & Daughter"})
    facts = {
        "company_name": {"value": "Kingsbridge Ltd", "source": "website", "fetched_at": ago(minutes=8).isoformat()}
    }
    lead.publish("lead.enriched", {"facts": facts, "complete": True, "enriched_at": ago(minutes=8).isoformat()})
    reasons = [{"rule": "r", "score": "fit", "points": 30.0, "fact": "company_name", "value": "Kingsbridge Ltd"}]
    lead.scored(30, reasons=reasons)
    visit = {"kind": "visit", "url": "https://x.example/?who=adelheid", "attributes": {"who": "Adelheid"}}
    lead.publish("engagement.recorded", visit)
    lead.sent()
    lead.moved("engaged", status="contacted")
    lead.replied("question", excerpt="Adelheid here, call +4915123456789")
    for type in ("lead.updated", "engagement.recorded", "lead.scored", "stage.changed"):
        lead.publish(type, {"lead_id": str(lead.id), "source": 5, "kind": 5, "total": "Adelheid", "to": 5})
    lead.bus.flush()


LEAD = "00000000-0000-0000-0000-000000000000"
"""Stands for the id of the lead."""
NOTE = {"text": "Adelheid called"}
MEETING = {"starts_at": "2096-01-01T09:00:00Z", "ends_at": "2096-01-01T10:00:00Z", "title": "Adelheid"}
DRAFT = {"lead_id": LEAD, "kind": "answer", "channel": "email", "subject": "Adelheid", "body": "Hello"}
MAIL = "From: adelheid.king@acme.example\r\nTo: us@us.example\r\nMessage-ID: <kingsbridge@acme.example>\r\n\r\nYes.\r\n"
TYPED = {
    "stages": [
        ("POST", f"/v1/leads/{LEAD}/notes", json.dumps(NOTE)),
        ("POST", f"/v1/leads/{LEAD}/meetings", json.dumps(MEETING)),
    ],
    "outreach": [("POST", "/v1/drafts", json.dumps(DRAFT)), ("POST", "/v1/replies", MAIL)],
}
"""What people and mailboxes bring in, by service."""


async def is_taken(send) -> bool:
    """Whether a request is taken: a draft is not until outreach knows that the lead has left the stage `new`."""
    answer = await send()
    assert answer.is_success, answer.text
    return True


MOVE = {"stage": "lost", "note": "Adelheid told me", "disqualification_reason": "Adelheid has no budget"}
OF_JOURNEY = {"stages": [("PUT", f"/v1/leads/{LEAD}/stage", json.dumps(MOVE))]}
"""What people say of the stage of a lead that is merged later: its row keeps that journey."""


async def bring_in(service, tenant, eventually, lead, requests) -> None:
    """What people and mailboxes say of a lead, once the service knows it."""

    async def is_known():
        async with service.database.worker() as work:
            return await work.fetch("SELECT 1 FROM lead WHERE tenant_id = :t AND lead_id = :l", t=tenant, l=lead.id)

    await eventually(is_known)
    async with service.client(tenant, "operator", "reviewer") as api:
        for method, path, content in requests:
            form = {"Content-Type": "application/json" if content.startswith("{") else "message/rfc822"}
            path, content = (text.replace(LEAD, str(lead.id)) for text in (path, content))
            send = partial(api.request, method, path, content=content, headers=form)
            await eventually(partial(is_taken, send))


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize(
    "name, kept",
    [
        ("scoring", {"dead_letter", "signal"}),
        ("stages", {"activity", "dead_letter", "lead"}),
        ("goals", {"dead_letter"}),
        ("outreach", {"content", "dead_letter", "lead", "reply"}),
    ],
)
async def test_erasure_leaves_no_word_of_the_person_in_any_table(
    name, kept, merged, backend, start, bus, tenant, eventually
):
    """`merged`: everything stands in another lead, which was merged into the one that is erased."""
    service = await start(name)
    url = backend.owner_url(name)
    lead, other = ALead(bus, tenant), ALead(bus, tenant)
    everything_about(lead)
    requests = TYPED.get(name, ())
    await bring_in(service, tenant, eventually, lead, [*requests, *OF_JOURNEY.get(name, ())] if merged else requests)

    async def all_is_there():
        assert {table for table, _ in await places(url, tenant, WORDS)} >= kept
        return True

    await eventually(all_is_there)
    if merged:
        other.captured(email="office@acme.example", first_name="Office", company=None)
        data = {"lead_id": str(other.id), "alias_id": str(lead.id), "merge_id": str(uuid4()), "version": 1}
        other.publish("lead.merged", data)
        bus.flush()

        async def is_merged():
            async with service.database.worker() as work:
                return await work.fetch(
                    "SELECT 1 FROM alias WHERE tenant_id = :t AND alias_id = :l", t=tenant, l=lead.id
                )

        await eventually(is_merged)
        other.publish("lead.erased", {"lead_id": str(other.id)})
    lead.publish("lead.erased", {"lead_id": str(lead.id)})

    async def nowhere():
        assert await places(url, tenant, WORDS) == set()
        return True

    await eventually(nowhere)

"""Republished events carry the present state, for a service that builds itself from them."""

from datetime import UTC, datetime

from shared.messaging.republish import republish

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
TYPES = ("lead.captured", "lead.updated", "lead.merged", "lead.erased")


async def test_republished_events_have_their_first_ids_and_the_present_state(capture, bus, tenant):
    api = capture.client(tenant, "operator")

    async def submit(name, **fields):
        answer = await api.post("/v1/leads", json={"source": "web", "email": f"{name}@x.example", **fields})
        return answer.json()["lead_id"]

    plain, changed, kept, alias, undone, gone = [await submit(name) for name in "abcdef"]
    await submit("b", company="Acme")
    await api.post(f"/v1/leads/{kept}/merge", json={"alias_id": alias})
    merge = await api.post(f"/v1/leads/{kept}/merge", json={"alias_id": undone})
    await api.post(f"/v1/merges/{merge.json()['merge_id']}/undo")
    await api.delete(f"/v1/leads/{gone}")
    first = {
        type: await bus.read(type, tenant=tenant, count=count) for type, count in zip(TYPES, (6, 1, 3, 1), strict=True)
    }
    counts = await republish(capture.database, TYPES, tenant, BEGINNING)
    assert counts == {"lead.captured": 5, "lead.updated": 1, "lead.merged": 2, "lead.erased": 1}
    for type in TYPES:
        events = await bus.read(type, tenant=tenant, count=len(first[type]) + counts[type])
        repeated = [event for event in events if _is_repeated(event)]
        assert len(repeated) == counts[type]
        assert {event.id for event in repeated} <= {event.id for event in first[type]}
    present = {event.lead_id: event.data for event in bus.seen("lead.captured", tenant=tenant) if _is_repeated(event)}
    assert (present[changed]["company"], present[changed]["version"]) == ("Acme", 1)
    assert "company" not in present[plain]


def _is_repeated(event):
    return "ce_sequence" not in event.headers

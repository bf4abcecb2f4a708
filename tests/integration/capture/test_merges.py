"""Merge, undo and erasure, on the real broker and database."""

import asyncio
from uuid import uuid4

import pytest


@pytest.fixture
def submit(api):
    async def submit(**lead):
        answer = await api.post("/v1/leads", json={"source": "web", **lead})
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    return submit


async def merged(api, kept, alias):
    answer = await api.post(f"/v1/leads/{kept['lead_id']}/merge", json={"alias_id": alias["lead_id"]})
    assert answer.status_code == 201, answer.text
    return answer.json()["merge_id"]


async def test_a_merge_makes_the_other_lead_an_alias_that_still_answers(api, submit, bus, tenant):
    kept = await submit(email="kept@x.example", company="Acme", consent={"email": "granted"})
    alias = await submit(email="alias@x.example", external_id="9", job_title="CTO", consent={"email": "denied"})
    merge_id = await merged(api, kept, alias)
    answer = (await api.get(f"/v1/leads/{alias['lead_id']}")).json()
    assert answer["lead_id"] == kept["lead_id"]
    assert answer["aliases"] == [alias["lead_id"]]
    assert (answer["email"], answer["job_title"], answer["consent"]["email"]) == ("kept@x.example", "CTO", "denied")
    (event,) = await bus.read("lead.merged", tenant=tenant)
    assert event.lead_id == kept["lead_id"]
    assert event.data == {
        "lead_id": kept["lead_id"],
        "alias_id": alias["lead_id"],
        "merge_id": merge_id,
        "version": 1,
    }
    (update,) = await bus.read("lead.updated", tenant=tenant)
    assert update.data["changed"] == ["consent", "job_title"]
    assert (await submit(email="alias@x.example"))["lead_id"] == kept["lead_id"]
    assert (await submit(email="new@x.example", external_id="9"))["lead_id"] == kept["lead_id"]


async def test_undo_restores_both_leads(api, submit, bus, tenant):
    kept = await submit(phone="+4915123456789", company="Acme")
    alias = await submit(email="alias@x.example", phone="+12025550143", job_title="CTO")
    merge_id = await merged(api, kept, alias)
    assert (await api.get(f"/v1/leads/{kept['lead_id']}")).json()["email"] == "alias@x.example"
    answer = await api.post(f"/v1/merges/{merge_id}/undo")
    assert answer.status_code == 200
    for lead in (kept, alias):
        now = (await api.get(f"/v1/leads/{lead['lead_id']}")).json()
        ignored = ("version", "updated_on", "aliases")
        assert {k: v for k, v in now.items() if k not in ignored} == {k: v for k, v in lead.items() if k not in ignored}
        assert now["aliases"] == []
    events = await bus.read("lead.merged", tenant=tenant, count=2)
    assert [(event.data["version"], event.data.get("undone", False)) for event in events] == [(1, False), (2, True)]
    assert events[0].time < events[1].time
    assert (await api.post(f"/v1/merges/{merge_id}/undo")).status_code == 200
    assert len(bus.seen("lead.merged", tenant=tenant)) == 2
    assert (await submit(email="alias@x.example"))["lead_id"] == alias["lead_id"]
    second = await merged(api, alias, kept)
    assert second != merge_id


async def test_a_submission_by_the_alias_s_address_keeps_the_kept_lead_s_own(api, submit):
    kept = await submit(email="k@x.example", phone="+4915123456789")
    alias = await submit(email="a@x.example", phone="+4915123456780")
    merge_id = await merged(api, kept, alias)
    for address in (
        {"email": "a@x.example"},
        {"phone": "+4915123456780"},
        {"email": "a@x.example", "external_id": "1"},
    ):
        answer = await submit(**address, company=f"By {address}")
        assert (answer["lead_id"], answer["email"], answer["phone"]) == (
            kept["lead_id"],
            "k@x.example",
            "+4915123456789",
        )
        assert answer["company"] == f"By {address}", "all else updates the lead"
    assert (await submit(email="k@x.example"))["lead_id"] == kept["lead_id"]
    assert (await api.post(f"/v1/merges/{merge_id}/undo")).status_code == 200
    assert (await submit(email="new@x.example", external_id="1"))["lead_id"] == alias["lead_id"]
    assert (await api.get(f"/v1/leads/{kept['lead_id']}")).json()["email"] == "k@x.example"


async def test_undo_gives_an_address_back_that_was_submitted_once_more(api, submit):
    kept, alias = await submit(phone="+4915123456789"), await submit(email="a@x.example")
    merge_id = await merged(api, kept, alias)
    assert (await submit(email="a@x.example"))["lead_id"] == kept["lead_id"]
    assert (await api.post(f"/v1/merges/{merge_id}/undo")).status_code == 200
    assert "email" not in (await api.get(f"/v1/leads/{kept['lead_id']}")).json()
    assert (await submit(email="a@x.example"))["lead_id"] == alias["lead_id"]


async def test_undo_names_the_kept_lead_where_a_human_gave_it_the_alias_s_address(api, submit):
    kept, alias = await submit(email="k@x.example"), await submit(email="a@x.example")
    merge_id = await merged(api, kept, alias)
    path = f"/v1/leads/{kept['lead_id']}"
    assert (await api.patch(path, json={"email": "a@x.example"}, headers={"If-Match": "*"})).status_code == 200
    answer = await api.post(f"/v1/merges/{merge_id}/undo")
    assert answer.status_code == 409 and kept["lead_id"] in answer.json()["detail"]
    assert (await api.patch(path, json={"email": "k@x.example"}, headers={"If-Match": "*"})).status_code == 200
    assert (await api.post(f"/v1/merges/{merge_id}/undo")).status_code == 200


async def test_merges_that_are_undone_in_any_order_give_consent_back_and_keep_the_strictest(api, submit):
    own = {"email": "granted", "sms": "granted", "source": "form", "basis": "consent"}
    for turn, (first, second) in enumerate([(0, 1), (1, 0)]):
        kept = await submit(email=f"k{turn}@x.example", consent=own)
        denials = ({"email": "denied", "source": "letter"}, {"sms": "denied", "email": "denied", "source": "call"})
        aliases = [await submit(email=f"{n}{turn}@x.example", consent=denials[n]) for n in range(2)]
        merges = [await merged(api, kept, alias) for alias in aliases]
        assert (await api.post(f"/v1/merges/{merges[first]}/undo")).status_code == 200
        consent = (await api.get(f"/v1/leads/{kept['lead_id']}")).json()["consent"]
        assert (consent["email"], consent["sms"]) == ("denied", "denied" if first == 0 else "granted")
        assert (await api.post(f"/v1/merges/{merges[second]}/undo")).status_code == 200
        assert (await api.get(f"/v1/leads/{kept['lead_id']}")).json()["consent"] == kept["consent"]


async def test_what_two_merges_gave_a_lead_that_said_nothing_is_gone_when_both_are_undone(api, submit):
    for turn, (first, second) in enumerate([(0, 1), (1, 0)]):
        kept = await submit(email=f"k{turn}@x.example")
        choices = ({"email": "granted", "sms": "granted"}, {"email": "denied", "sms": "denied"})
        aliases = [await submit(email=f"{n}{turn}@x.example", company=f"{n}", consent=choices[n]) for n in range(2)]
        path = f"/v1/leads/{aliases[1]['lead_id']}"
        by_hand = await api.patch(path, json={"company": "By hand"}, headers={"If-Match": "*"})
        assert by_hand.status_code == 200, by_hand.text
        merges = [await merged(api, kept, alias) for alias in aliases]
        lead = (await api.get(f"/v1/leads/{kept['lead_id']}")).json()
        assert (lead["consent"]["email"], lead["consent"]["sms"], lead["company"]) == ("denied", "denied", "By hand")
        for undone in (first, second):
            assert (await api.post(f"/v1/merges/{merges[undone]}/undo")).status_code == 200
        lead = (await api.get(f"/v1/leads/{kept['lead_id']}")).json()
        assert (lead.get("consent"), lead.get("company")) == (kept.get("consent"), None)


async def test_a_cycle_and_an_alias_of_an_alias_are_conflicts(api, submit):
    a, b, c = [await submit(email=f"{name}@x.example") for name in "abc"]
    await merged(api, a, b)
    for kept, alias in ((a, a), (b, a), (b, c), (c, b), (c, a)):
        answer = await api.post(f"/v1/leads/{kept['lead_id']}/merge", json={"alias_id": alias["lead_id"]})
        assert answer.status_code == 409, (kept["email"], alias["email"])
    assert (await api.post(f"/v1/leads/{a['lead_id']}/merge", json={"alias_id": str(uuid4())})).status_code == 404
    assert (await api.post(f"/v1/merges/{uuid4()}/undo")).status_code == 404


async def test_of_two_opposite_merges_at_the_same_time_one_is_made(api, submit):
    for n in range(5):
        a, b = await submit(email=f"a{n}@x.example"), await submit(email=f"b{n}@x.example")
        answers = await asyncio.gather(
            *(
                api.post(f"/v1/leads/{kept['lead_id']}/merge", json={"alias_id": alias["lead_id"]})
                for kept, alias in ((a, b), (b, a))
            )
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_a_pair_is_decided_by_merging_into_the_older_or_the_named_lead(api, submit):
    for keep in (None, 1):
        leads = [await submit(email=f"{keep}{n}@x.example", phone=f"+1202555014{keep or 0}") for n in range(2)]
        (pair,) = (await api.get("/v1/duplicates")).json()["items"]
        body = {"decision": "merge"} | ({"keep": leads[keep]["lead_id"]} if keep else {})
        wrong = await api.post(f"/v1/duplicates/{pair['id']}/decision", json=body | {"keep": str(uuid4())})
        assert wrong.status_code == 422
        answer = await api.post(f"/v1/duplicates/{pair['id']}/decision", json=body)
        assert answer.status_code == 200
        stays = (await api.get(f"/v1/leads/{leads[0]['lead_id']}")).json()["lead_id"]
        assert stays == leads[keep or 0]["lead_id"]
        assert (await api.get("/v1/duplicates")).json()["items"] == []
        await api.post(f"/v1/merges/{answer.json()['merge_id']}/undo")
        assert len((await api.get("/v1/duplicates")).json()["items"]) == 1
        await api.post(f"/v1/duplicates/{pair['id']}/decision", json={"decision": "distinct"})


async def test_erasure_deletes_the_person_and_keeps_the_id(capture, api, submit, bus, tenant, eventually):
    key = {"Idempotency-Key": "k"}
    body = {"source": "web", "email": "Ada@Secret.example", "phone": "+4915123456789", "external_id": "7"}
    lead = (await api.post("/v1/leads", json=body, headers=key)).json()
    alias = await submit(email="ada@home.example")
    await merged(api, lead, alias)
    bus.publish("lead.submitted", body | {"email": "ADA@secret.example", "source": ""}, tenant=tenant)
    bus.publish("lead.submitted", {"source": "x", "phone": "0151-234 567 89", "first_name": 5}, tenant=tenant)
    bus.publish("lead.submitted", {"source": "x", "email": "somebody@else.example", "first_name": 5}, tenant=tenant)

    async def letters(count):
        return len((await api.get("/v1/dead-letters")).json()["items"]) == count

    bus.flush()
    await eventually(lambda: letters(3))
    path = f"/v1/leads/{alias['lead_id']}"
    assert (await api.delete(path)).status_code == 204
    for lead_id in (lead["lead_id"], alias["lead_id"]):
        assert (await api.get(f"/v1/leads/{lead_id}")).status_code == 404
    assert (await api.delete(path)).status_code == 204
    assert await letters(1)
    events = await bus.read("lead.erased", tenant=tenant, count=2)
    assert {event.lead_id for event in events} == {lead["lead_id"], alias["lead_id"]}
    async with capture.database.tenant(tenant) as work:
        for table in ("lead", "lead_identity", "merge", "duplicate", "idempotency"):
            assert await work.fetch(f"SELECT tenant_id FROM {table}") == [], table
        assert len(await work.fetch("SELECT lead_id FROM erased")) == 2
    new = await submit(email="ada@secret.example", external_id="7")
    assert new["lead_id"] not in (lead["lead_id"], alias["lead_id"])


async def test_sequence_and_time_of_a_lead_s_events_follow_their_order(api, submit, bus, tenant):
    lead = await submit(email="a@x.example")
    for n in range(5):
        await submit(email="a@x.example", company=f"C{n}")
    await api.delete(f"/v1/leads/{lead['lead_id']}")
    await bus.read("lead.erased", tenant=tenant)
    await bus.read("lead.updated", tenant=tenant, count=5)
    events = bus.seen("lead.captured", "lead.updated", "lead.erased", tenant=tenant)
    assert [event.headers["ce_sequence"] for event in events] == [str(n) for n in range(1, 8)]
    assert [event.time for event in events] == sorted({event.time for event in events})
    assert [event.data["version"] for event in events[:-1]] == list(range(1, 7))


async def test_a_denial_by_the_alias_s_address_stays_with_the_alias_when_the_merge_is_undone(api, submit, bus, tenant):
    kept = await submit(email="kept@x.example", consent={"email": "granted"})
    alias = await submit(email="alias@x.example", consent={"email": "granted"})
    merge_id = await merged(api, kept, alias)
    await submit(email="alias@x.example", consent={"email": "denied"})
    assert (await api.post(f"/v1/merges/{merge_id}/undo")).status_code == 200
    for lead in (kept, alias):
        path = f"/v1/leads/{lead['lead_id']}"
        assert (await api.get(path)).json()["consent"]["email"] == "denied"
        assert (await api.get(f"{path}/consent")).json()["items"][-1]["choice"] == "denied"
    _, undone = await bus.read("lead.merged", tenant=tenant, count=2)
    updates = await bus.read("lead.updated", tenant=tenant, count=2)
    (update,) = [event for event in updates if event.lead_id == alias["lead_id"]]
    assert (update.data["consent"]["email"], update.data["version"]) == ("denied", alias["version"] + 1)
    assert update.data["before"] == {"consent": {"email": "granted"}}
    assert undone.time < update.time


async def test_consent_given_again_for_another_source_is_in_the_history_and_published(api, submit, bus, tenant):
    lead = await submit(email="a@x.example", consent={"email": "granted", "source": "fair"})
    again = {"email": "a@x.example", "consent": {"email": "granted", "source": "newsletter"}}
    for _ in range(2):
        answer = await submit(**again)
    assert (answer["version"], answer["consent"]["source"]) == (2, "newsletter")
    (update,) = await bus.read("lead.updated", tenant=tenant)
    assert (update.data["changed"], update.data["consent"]["source"]) == (["consent"], "newsletter")
    history = (await api.get(f"/v1/leads/{lead['lead_id']}/consent")).json()["items"]
    assert [(change["choice"], change["source"]) for change in history] == [
        ("granted", "fair"),
        ("granted", "newsletter"),
    ]


async def test_a_record_that_was_known_before_a_merge_lifts_no_denial(api, submit):
    def said(email, choice, day):
        return {"email": email, "consent": {"email": choice, "at": f"2026-01-0{day}T00:00:00Z"}}

    kept, alias = (
        await submit(**said("k@x.example", "granted", 5)),
        await submit(**said("a@x.example", "denied", 2)),
    )
    merge_id = await merged(api, kept, alias)
    for again in (said("k@x.example", "granted", 5), said("a@x.example", "granted", 4)):
        assert (await submit(**again))["consent"]["email"] == "denied"
    assert (await api.post(f"/v1/merges/{merge_id}/undo")).status_code == 200
    assert (await api.get(f"/v1/leads/{kept['lead_id']}")).json()["consent"] == kept["consent"]
    await merged(api, kept, alias)
    assert (await submit(**said("k@x.example", "granted", 6)))["consent"]["email"] == "granted"

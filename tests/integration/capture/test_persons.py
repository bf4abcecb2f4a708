"""What is known about a person: the history of consent, the export, and an erasure that leaves no word behind."""

import json

from services.capture.store.imports import CHUNK
from services.capture.use_cases.imports import import_next_page
from tests.persons import places

WORDS = ("adelheid", "adelheid.king@acme.example", "15123456789", "kingsbridge")
ADA2 = "adelheid2@kö.example"
ADA = {
    "source": "web",
    "external_id": "kingsbridge-7",
    "email": "Adelheid.King@acme.example",
    "phone": "+4915123456789",
    "first_name": "Adelheid",
    "company": "Kingsbridge Ltd",
}


async def a_form(capture, tenant):
    admin = capture.client(tenant, "admin")
    consent = {"text": "You may write to me.", "channels": ["email"]}
    body = {"name": "Contact", "source": "website", "fields": ["email", "first_name"], "consent": consent}
    return (await admin.post("/v1/forms", json=body)).json()["token"]


async def history(api, lead_id, **query):
    return (await api.get(f"/v1/leads/{lead_id}/consent", params=query)).json()


async def test_every_change_of_consent_is_kept_with_source_time_basis_and_text(capture, api, tenant):
    token = await a_form(capture, tenant)
    await capture.client(None).post(
        f"/v1/forms/{token}/submissions", json={"email": ADA["email"], "consent": True, "first_name": "Ada"}
    )
    (lead,) = (await api.get("/v1/leads", params={"email": ADA["email"]})).json()["items"]
    at = "2096-01-01T00:00:00Z"  # a choice is never later than its submission
    sms = {"sms": "granted", "basis": "contract", "source": "phone call", "at": at}
    await api.post("/v1/leads", json=ADA | {"consent": sms})
    await api.post("/v1/leads", json=ADA | {"consent": {"sms": "granted"}})
    path = f"/v1/leads/{lead['lead_id']}"
    assert (await api.patch(path, json={"consent": {"email": "denied"}}, headers={"If-Match": "*"})).is_success
    changes = (await history(api, lead["lead_id"]))["items"]
    assert [(c["channel"], c["before"], c["choice"], c["source"], c["basis"], c["cause"]) for c in changes] == [
        ("email", "unknown", "granted", "form Contact", "consent", "submission"),
        ("sms", "unknown", "granted", "phone call", "contract", "submission"),
        ("email", "granted", "denied", "website", None, "edit"),
    ]
    assert changes[0]["text"] == {"form": token, "version": 1, "text": "You may write to me."}
    assert [change["at"] for change in changes] == sorted(change["at"] for change in changes)
    first = await history(api, lead["lead_id"], limit=2)
    rest = await history(api, lead["lead_id"], limit=2, cursor=first["next_cursor"])
    assert first["items"] + rest["items"] == changes


async def test_the_strictest_consent_of_a_merge_and_its_undo_are_changes_too(api):
    kept = (await api.post("/v1/leads", json=ADA | {"consent": {"email": "granted"}})).json()["lead_id"]
    other = {"source": "fair", "email": "other@acme.example", "consent": {"email": "denied", "source": "letter"}}
    alias = (await api.post("/v1/leads", json=other)).json()["lead_id"]
    merge = (await api.post(f"/v1/leads/{kept}/merge", json={"alias_id": alias})).json()["merge_id"]
    assert (await api.get(f"/v1/leads/{kept}")).json()["consent"]["email"] == "denied"
    assert (await history(api, alias))["items"] == (await history(api, kept))["items"], "an alias answers as the lead"
    await api.post(f"/v1/merges/{merge}/undo")
    changes = [(c["lead_id"] == kept, c["choice"], c["cause"]) for c in (await history(api, kept))["items"]]
    assert changes == [(True, "granted", "submission"), (True, "denied", "merge"), (True, "granted", "undo")]


async def everything_about_ada(capture, api, tenant, bus):
    """Leave traces of one person in as many tables as there are ways; the ids of the lead and its alias."""
    lead = (
        await api.post("/v1/leads", json=ADA | {"consent": {"email": "granted"}}, headers={"Idempotency-Key": "k"})
    ).json()
    alias = (await api.post("/v1/leads", json={"source": "fair", "email": ADA2, "last_name": "Kingsbridge"})).json()
    assert (await api.post(f"/v1/leads/{lead['lead_id']}/merge", json={"alias_id": alias["lead_id"]})).is_success
    await api.post("/v1/leads", json={"source": "x", "email": "b@b.example", "phone": ADA["phone"]})  # a pair
    rows = "email,phone,first_name,country\nx,0151 23456789 x,Adelheid,\nADELHEID.KING@acme.example x,,Adelheid,\n"
    files = {"file": ("leads.csv", rows.encode())}
    import_id = (await api.post("/v1/imports", files=files)).json()["import_id"]
    admin = capture.client(tenant, "admin")
    webhook = (await admin.post("/v1/webhooks", json={"name": "w", "source": "w", "mapping": {"email": "no"}})).json()
    path, sender = f"/v1/webhooks/{webhook['token']}", capture.client(None)
    await sender.post(path, json={"mail": ADA["email"], "name": "Adelheid"})
    assert (await admin.patch(path, json={"items": "people"})).is_success
    for mail in (ADA["email"], ADA2, ADA2.upper(), "Adelh\u00e4d <adelheid2@xn--k-1ga.example>"):
        await sender.post(path, data={"mail": mail, "name": "Adelheid"})
        await sender.post(path, content=json.dumps({"mail": mail, "name": "Adelheid"}))
        await sender.post(path, content=json.dumps({"mail": mail, "name": "Adelheid"}, ensure_ascii=False))
    await sender.post(path, content='{"call": "+49\\u00a0151\\u00a0234 56-789", "name": "Adelheid"}')
    await sender.post(path, content="call=%2B49%20151%2023456789&name=Adelheid")
    bus.publish("lead.submitted", ADA | {"first_name": 5, "last_name": "Adelheid"}, tenant=tenant)
    bus.publish("lead.submitted", ADA | {"first_name": 5, "last_name": "Adelheid", "email": ADA2}, tenant=tenant)
    await bus.read("submission.answered", tenant=tenant, count=2)
    return lead["lead_id"], alias["lead_id"], import_id


async def ended(api, import_id):
    job = (await api.get(f"/v1/imports/{import_id}")).json()
    return job["state"] == "done" and job["rejected"] == 2


async def test_an_export_has_everything_and_says_where_the_rest_is(capture, api, tenant, bus, eventually):
    lead_id, alias_id, import_id = await everything_about_ada(capture, api, tenant, bus)
    await eventually(lambda: ended(api, import_id))
    answer = await api.get(f"/v1/leads/{alias_id}/export")
    assert answer.status_code == 200, answer.text
    export = answer.json()
    assert export["lead_id"] == lead_id
    assert [lead["lead_id"] for lead in export["leads"]] == [lead_id, alias_id]
    assert [one["external_id"] for one in export["external_ids"]] == ["kingsbridge-7"]
    counts = {name: len(value) for name, value in export.items() if isinstance(value, list)}
    assert counts["import_rows"] >= 2
    assert {name: counts[name] for name in ("merges", "duplicates", "webhook_deliveries", "dead_letters")} == {
        "merges": 1,
        "duplicates": 1,
        "webhook_deliveries": 15,
        "dead_letters": 2,
    }
    assert {"enrichment", "scoring", "stages", "outreach"} == {one["service"] for one in export["elsewhere"]}
    assert any(one["route"] == f"/v1/leads/{lead_id}/timeline" for one in export["elsewhere"])
    assert (await capture.client(tenant, "viewer").get(f"/v1/leads/{lead_id}/export")).status_code == 403
    assert (await capture.client(f"{tenant}-x", "operator").get(f"/v1/leads/{lead_id}/export")).status_code == 404


async def test_erasure_leaves_no_word_of_the_person_in_any_table(backend, capture, api, tenant, bus, eventually):
    lead_id, alias_id, import_id = await everything_about_ada(capture, api, tenant, bus)
    await eventually(lambda: ended(api, import_id))
    url = backend.owner_url("capture")

    async def published():
        return {table for table, _ in await places(url, tenant, WORDS)} - {"outbox"}

    before = await published()
    assert before == {"lead", "lead_identity", "idempotency", "import_error", "webhook_delivery", "dead_letter"}
    assert (await api.delete(f"/v1/leads/{alias_id}")).status_code == 204
    for path in (f"/v1/leads/{lead_id}", f"/v1/leads/{alias_id}/consent", f"/v1/leads/{lead_id}/export"):
        assert (await api.get(path)).status_code == 404
    assert await published() == {"lead"}, "the other lead of the pair has the same phone, and is another person"
    (other,) = (await api.get("/v1/leads", params={"email": "b@b.example"})).json()["items"]
    assert (await api.delete(f"/v1/leads/{other['lead_id']}")).status_code == 204

    async def nowhere():
        return await places(url, tenant, WORDS) == set()

    await eventually(nowhere)


async def test_erasure_blanks_the_rows_of_imports_that_are_not_done(backend, capture, api, upload, ended, eventually):
    """An import that waits or has failed keeps its file, and would capture the person anew."""
    rows = [f"{n}@x.example,,{n},{'x' * 1_000}" for n in range(600)]
    rows[0] = 'x,"+49 151\n23456789",Adelheid,read already'
    at = next(
        n for n in range(600) if len("\n".join(["email,phone,first_name,attributes.note", *rows[:n]])) + 5 > CHUNK
    )
    across = "a" * (CHUNK - len("\n".join(["email,phone,first_name,attributes.note", *rows[: at - 1]])) - 20)
    rows[at - 1] = across + "@x.example,,Pad,"
    rows[at] = "Adelheid.King@ACME.example,,Adelheid,across two chunks"
    rows[-1] = '"",0049151 23456789,Adelheid,"two\nlines"'
    worker = capture.service._workers["imports"]
    step = worker.step

    async def nothing(database):
        return 0

    worker.step = nothing
    try:
        lead = (await api.post("/v1/leads", json=ADA | {"first_name": "A", "company": "B", "external_id": "C"})).json()
        import_id = await upload("\n".join(["email,phone,first_name,attributes.note", *rows]))

        async def has_begun():  # the imports of other tests take turns with it
            await import_next_page(capture.database, capture.app.state.normaliser, 1, 10_000)
            return (await api.get(f"/v1/imports/{import_id}")).json()["read"] == 1

        await eventually(has_begun)
        assert (await api.delete(f"/v1/leads/{lead['lead_id']}")).status_code == 204
    finally:
        worker.step = step
    job = await ended(import_id)
    assert (job["read"], job["taken"], job["rejected"]) == (598, 598, 0), job
    assert (await api.get("/v1/leads", params={"phone": ADA["phone"]})).json()["items"] == []


async def test_erasure_and_export_take_nothing_of_people_whose_addresses_look_alike(
    backend, capture, api, tenant, bus, upload, ended
):
    """Of an import that waits, dead letters, kept deliveries and rejected rows only Lee's own go."""
    desk = "+44 20 7183 8750"
    lee = {"source": "w", "email": "lee@acme.com", "phone": "+442071838750", "first_name": "Lee"}
    lead = (await api.post("/v1/leads", json=lee)).json()
    for mail in ("lee@acme.com", "ashlee@acme.com"):
        bus.publish("lead.submitted", {"source": "w", "email": mail, "first_name": 5}, tenant=tenant)
    await bus.read("submission.answered", tenant=tenant, count=2)
    admin, sender = capture.client(tenant, "admin"), capture.client(None)
    body = {"name": "w", "source": "w", "mapping": {"email": "no"}}
    token = (await admin.post("/v1/webhooks", json=body)).json()["token"]
    await sender.post(f"/v1/webhooks/{token}", json={"mail": "ashlee@acme.com", "phone": desk})
    assert (await admin.patch(f"/v1/webhooks/{token}", json={"items": "missing"})).is_success
    people = [{"mail": f"{name}@acme.com", "phone": desk} for name in ("bob", "lee", "ashlee")]
    await sender.post(f"/v1/webhooks/{token}", json={"people": people})
    rejected = await upload("email,phone\nashlee@acme.com x,\nlee@acme.com x,\n")
    assert (await ended(rejected))["rejected"] == 2
    worker = capture.service._workers["imports"]
    step = worker.step

    async def nothing(database):
        return 0

    worker.step = nothing
    try:
        rows = f"ashlee@acme.com,{desk},Ash\nlee@acme.com,,Lee\na@acme.com,{desk},A\n,{desk},Bob\n,{desk},Lee\n"
        waiting = await upload("email,phone,first_name\n" + rows)
        export = (await api.get(f"/v1/leads/{lead['lead_id']}/export")).json()
        assert [one["body"] for one in export["webhook_deliveries"]] == [json.dumps([people[1]])]
        assert [json.loads(one["value"])["email"] for one in export["dead_letters"]] == ["lee@acme.com"]
        assert [one["record"] for one in export["import_rows"]] == ["lee@acme.com x,\n"]
        assert (await api.delete(f"/v1/leads/{lead['lead_id']}")).status_code == 204
    finally:
        worker.step = step
    job = await ended(waiting)
    assert (job["read"], job["taken"], job["rejected"]) == (3, 3, 0), job
    assert [error["line"] for error in (await api.get(f"/v1/imports/{rejected}/errors")).json()["items"]] == [2]
    kept = (await admin.get(f"/v1/webhooks/{token}/deliveries")).json()["items"]
    bodies = [await admin.get(f"/v1/webhooks/{token}/deliveries/{one['id']}") for one in kept]
    assert [json.loads(one.json()["body"]) for one in bodies] == [
        {"people": [people[0], people[2]]},
        people[2],
    ]
    (letter,) = (await api.get("/v1/dead-letters")).json()["items"]
    assert letter["topic"] == "lead.submitted"
    assert (await api.get("/v1/leads", params={"email": "lee@acme.com"})).json()["items"] == []


async def test_erasure_finds_the_rows_with_a_phone_of_fewer_than_nine_digits(capture, api, upload, ended):
    worker = capture.service._workers["imports"]
    step = worker.step

    async def nothing(database):
        return 0

    numbers = {"+4741234567": "41 23 45 67,NO", "+4930901820": "030 901820,DE", "+6591234567": "9123 4567,SG"}
    leads = [(await api.post("/v1/leads", json={"source": "w", "phone": phone})).json() for phone in numbers]
    worker.step = nothing
    try:
        import_id = await upload("phone,country\n" + "\n".join(numbers.values()))
        for lead in leads:
            assert (await api.delete(f"/v1/leads/{lead['lead_id']}")).status_code == 204
    finally:
        worker.step = step
    assert (await ended(import_id))["read"] == 0

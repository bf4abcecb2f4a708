"""Reviewers at work: hashes, leases, edits, decisions, lists, roles."""

import json
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

import pytest

from shared.db.transaction import Transaction


@pytest.fixture
async def pending(office, tenant):
    return await office.draft(tenant, await office.captured(tenant))


def url(draft, action: str = "") -> str:
    return f"/v1/drafts/{draft['draft_id']}" + (f"/{action}" if action else "")


async def test_another_hash_is_refused(office, tenant, pending):
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post(url(pending, "approve"), json={"sha256": "0" * 64})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_hash_in_another_form_is_refused(office, tenant, pending):
    async with office.client(tenant, "reviewer") as http:
        for wrong in ("wrong", "", pending["sha256"].upper(), pending["sha256"] + "0"):
            assert (await http.post(url(pending, "approve"), json={"sha256": wrong})).status_code == 409, wrong
        assert (await http.post(url(pending, "approve"), json={})).status_code == 422


@pytest.mark.parametrize(
    ("roles", "code"),
    [
        (["viewer"], 403),
        (["service"], 403),
        (["service", "admin"], 403),
        (["reviewer"], 200),
        (["operator"], 200),
        (["admin"], 200),
    ],
)
async def test_people_decide_and_machines_do_not(office, tenant, pending, roles, code):
    async with office.client(tenant, *roles) as http:
        answer = await http.post(url(pending, "approve"), json={"sha256": pending["sha256"]})
    assert answer.status_code == code


async def test_a_machine_may_not_act_on_a_draft(office, tenant, pending):
    async with office.client(tenant, "service", "admin") as http:
        for action, body in (("reject", {"reason": "x"}), ("claim", None), ("snooze", {"until": _ahead(hours=1)})):
            assert (await http.post(url(pending, action), json=body)).status_code == 403
        bulk = {"action": "approve", "items": [{"draft_id": pending["draft_id"], "sha256": pending["sha256"]}]}
        assert (await http.post("/v1/drafts/bulk", json=bulk)).status_code == 403


async def test_a_lease_keeps_other_reviewers_from_a_draft_until_it_ends(office, tenant, pending):
    async with (
        office.client(tenant, "reviewer", subject="ann") as ann,
        office.client(tenant, "reviewer", subject="bob") as bob,
    ):
        assert (await ann.post(url(pending, "claim"))).json()["claimed_by"] == "human:ann"
        assert (await bob.post(url(pending, "claim"))).status_code == 409
        assert (await bob.post(url(pending, "approve"), json={"sha256": pending["sha256"]})).status_code == 409
        assert (await bob.post(url(pending, "reject"), json={"reason": "no"})).status_code == 409
        office.advance(minutes=16)
        assert (await bob.get(url(pending))).json()["claimed_by"] is None
        assert (await bob.post(url(pending, "claim"))).status_code == 200
        assert (await bob.post(url(pending, "release"))).json()["claimed_by"] is None
        assert (await ann.post(url(pending, "approve"), json={"sha256": pending["sha256"]})).status_code == 200


async def test_an_edit_needs_the_version_seen_and_keeps_the_text_before(office, tenant, pending):
    async with office.client(tenant, "reviewer") as http:
        seen = (await http.get(url(pending))).headers["etag"]
        assert (await http.post(url(pending, "edit"), json={"body": "B."})).status_code == 428
        edited = await http.post(url(pending, "edit"), json={"body": "Better."}, headers={"If-Match": seen})
        assert edited.status_code == 200, edited.text
        assert edited.json()["sha256"] != pending["sha256"]
        assert (
            await http.post(url(pending, "edit"), json={"body": "C."}, headers={"If-Match": seen})
        ).status_code == 412
        assert (await http.post(url(pending, "approve"), json={"sha256": pending["sha256"]})).status_code == 409
        texts = (await http.get(url(pending))).json()["texts"]
        assert [(text["body"], text["author"]) for text in texts] == [
            (pending["body"], "human:ann"),
            ("Better.", "human:ann"),
        ]


async def test_edit_and_approve_sends_exactly_the_edited_text(office, tenant, pending, smtp):
    async with office.client(tenant, "reviewer") as http:
        edited = await http.post(
            url(pending, "edit"),
            json={"subject": "Ünïcode", "body": "Short.\n", "approve": True},
            headers={"If-Match": f'"{pending["version"]}"'},
        )
        assert edited.json()["state"] == "approved"
    await office.send()
    (mail,) = smtp.to(pending["to"])
    assert mail["Subject"] == "Ünïcode"
    assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == "Short.\n"


@pytest.mark.parametrize("subject", ["a\nBcc: x@y.example", "=?utf-8?q?a=0ABcc=3A_x=40y?="])
async def test_an_edit_cannot_inject_a_header(office, tenant, pending, subject):
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post(url(pending, "edit"), json={"subject": subject}, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "subject"


async def test_a_rejection_has_a_reason_and_is_final(office, tenant, pending, bus):
    async with office.client(tenant, "reviewer") as http:
        assert (await http.post(url(pending, "reject"), json={})).status_code == 422
        assert (await http.post(url(pending, "reject"), json={"reason": "too pushy"})).json()["state"] == "rejected"
        assert (await http.post(url(pending, "approve"), json={"sha256": pending["sha256"]})).status_code == 409
    decided = (await bus.read("draft.decided", tenant=tenant))[0]
    assert (decided.data["decision"], decided.data["reason"]) == ("rejected", "too pushy")


async def test_regenerating_supersedes_the_draft_and_writes_another_by_the_instruction(office, tenant, pending, bus):
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post(url(pending, "regenerate"), json={"instruction": "shorter"})
        assert answer.status_code == 202
        made = answer.json()["draft_id"]
        waiting = await http.get(f"/v1/drafts/{made}")
        assert (waiting.status_code, waiting.json()["detail"]) == (404, "the draft is still being written")
        assert (await http.get(url(pending))).json()["state"] == "superseded"
        decided = (await bus.read("draft.decided", tenant=tenant))[0]
        assert (decided.data["draft_id"], decided.data["decision"]) == (pending["draft_id"], "superseded")
        assert decided.data["actor"] == "system:outreach"
        await office.compose()
        fresh = (await http.get(f"/v1/drafts/{made}")).json()
    assert (fresh["state"], fresh["replaces"]) == ("pending", pending["draft_id"])
    assert fresh["made_from"]["instruction"] == "shorter"


async def test_a_snoozed_draft_is_not_listed_until_its_time(office, tenant, pending):
    async def listed() -> list:
        async with office.client(tenant, "viewer") as http:
            return (await http.get("/v1/drafts", params={"state": "pending"})).json()["items"]

    async with office.client(tenant, "reviewer") as http:
        past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        assert (await http.post(url(pending, "snooze"), json={"until": past})).status_code == 422
        assert (await http.post(url(pending, "snooze"), json={"until": _ahead(days=10)})).status_code == 200
    assert await listed() == []
    office.advance(days=10, minutes=1)
    assert len(await listed()) == 1


async def test_a_draft_expires(office, tenant, pending, bus):
    from services.outreach.drafts.workers import expire_drafts

    office.advance(days=8)
    async with office.client(tenant, "reviewer") as http:
        assert (await http.post(url(pending, "approve"), json={"sha256": pending["sha256"]})).status_code == 409
        await expire_drafts(office.database)
        assert (await http.get(url(pending))).json()["state"] == "expired"
        decided = (await bus.read("draft.decided", tenant=tenant))[0]
        assert (decided.data["decision"], decided.data["actor"]) == ("expired", "system:outreach")


async def test_bulk_gives_a_result_for_each(office, tenant, smtp):
    drafts = [await office.draft(tenant, await office.captured(tenant)) for _ in range(3)]
    items = [{"draft_id": draft["draft_id"], "sha256": draft["sha256"]} for draft in drafts]
    items[1]["sha256"] = "0" * 64
    items.append({"draft_id": "00000000-0000-7000-8000-000000000000", "sha256": "0" * 64})
    items += [{"draft_id": "none"}, {}, {**items[1], "sha256": 5}, {**items[1], "colour": "red"}]
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post("/v1/drafts/bulk", json={"action": "approve", "items": items})
    assert [result["status"] for result in answer.json()["results"]] == [200, 409, 200, *[404] * 3, *[422] * 2]
    assert answer.json()["results"][4]["draft_id"] == "none"
    assert "hash" in answer.json()["results"][1]["error"]
    await office.send()
    assert [len(smtp.to(draft["to"])) for draft in drafts] == [1, 0, 1]


async def test_many_drafts_need_no_more_statements_than_a_few(office, tenant, monkeypatch):
    drafts = [await office.draft(tenant, await office.captured(tenant)) for _ in range(24)]
    statements, asked_here = 0, ContextVar("asked_here", default=False)

    def counting(original):
        async def statement(self, *args, **more):
            nonlocal statements
            statements += asked_here.get()  # not those of the consumer and the workers, which run meanwhile
            return await original(self, *args, **more)

        return statement

    for name in ("run", "fetch", "fetch_one", "fetch_tuples"):
        monkeypatch.setattr(Transaction, name, counting(getattr(Transaction, name)))
    items = [{"draft_id": draft["draft_id"], "sha256": draft["sha256"], "reason": "too dull"} for draft in drafts]
    asked_here.set(True)
    async with office.client(tenant, "reviewer") as http:
        for action, of in (("claim", items), ("release", items), ("approve", items[:12]), ("reject", items[12:])):
            statements = 0
            answer = await http.post("/v1/drafts/bulk", json={"action": action, "items": of})
            assert {result["status"] for result in answer.json()["results"]} == {200}
            assert 0 < statements < 12, f"{action}: {statements} statements for {len(of)} drafts"


async def test_a_draft_that_is_named_twice_is_approved_once(office, tenant):
    draft = await office.draft(tenant, await office.captured(tenant))
    item = {"draft_id": draft["draft_id"], "sha256": draft["sha256"]}
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post("/v1/drafts/bulk", json={"action": "approve", "items": [item, item]})
    first, second = answer.json()["results"]
    assert (first["status"], second["status"], second["error"]) == (200, 409, "the draft is approved")


@pytest.mark.parametrize(
    ("action", "wrong", "code"),
    [
        ("approve", {"sha256": "wrong"}, 409),
        ("approve", {"sha256": "\ud83d"}, 409),
        ("approve", {}, 422),
        ("reject", {"reason": ""}, 422),
        ("reject", {"reason": "x" * 2_001}, 422),
        ("reject", {"reason": "half of a smile: \ud83d"}, 422),
        ("reject", {}, 422),
    ],
)
async def test_one_wrong_item_of_many_fails_alone(office, tenant, action, wrong, code):
    good, bad = [await office.draft(tenant, await office.captured(tenant)) for _ in range(2)]
    items = [
        {"draft_id": bad["draft_id"], **wrong},
        {"draft_id": good["draft_id"], "sha256": good["sha256"], "reason": "too pushy"},
    ]
    async with office.client(tenant, "reviewer") as http:
        body, headers = json.dumps({"action": action, "items": items}), {"Content-Type": "application/json"}
        answer = await http.post("/v1/drafts/bulk", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert [result["status"] for result in answer.json()["results"]] == [code, 200]


async def test_a_repeated_or_senseless_request_is_refused_with_the_reason(office, tenant):
    lead = await office.captured(tenant)
    await office.draft(tenant, lead)
    body = {"lead_id": str(lead), "kind": "first", "channel": "email"}
    async with office.client(tenant, "reviewer") as http:
        repeated = await http.post("/v1/drafts", json=body)
        assert (repeated.status_code, repeated.json()["detail"]) == (
            409,
            "a draft of that kind and channel is pending already",
        )
        wrong = await http.post("/v1/drafts", json={**body, "kind": "nurture"})
        assert (wrong.status_code, wrong.json()["detail"]) == (
            409,
            "a message of kind nurture makes no sense in stage new",
        )
        assert (await http.post("/v1/drafts", json={**body, "kind": "sequence"})).status_code == 422
        assert (await http.post("/v1/drafts", json={**body, "channel": "sms"})).status_code == 409
        unknown = {**body, "lead_id": "00000000-0000-7000-8000-000000000000"}
        assert (await http.post("/v1/drafts", json=unknown)).status_code == 404


async def test_the_same_idempotency_key_makes_one_draft(office, tenant):
    lead = await office.captured(tenant)
    body = {"lead_id": str(lead), "kind": "first", "channel": "email", "subject": "s", "body": "b"}
    async with office.client(tenant, "reviewer") as http:
        answers = [await http.post("/v1/drafts", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["draft_id"] == answers[1].json()["draft_id"]


@pytest.mark.parametrize("sort", ["oldest", "at_risk", "hottest"])
async def test_lists_page_in_their_order_without_gaps(office, tenant, sort):
    for total in (30, 90, 60, 60):
        lead = await office.captured(tenant)
        data = {"fit": total, "intent": 0, "engagement": 0, "total": total, "band": "B", "model_version": 1}
        await office.publish(tenant, lead, "lead.scored", {**data, "scored_at": _ahead(seconds=0)})
        await office.draft(tenant, lead)
    seen, cursor = [], None
    async with office.client(tenant, "viewer") as http:
        while True:
            params = {"state": "pending", "sort": sort, "limit": 3, **({"cursor": cursor} if cursor else {})}
            page = (await http.get("/v1/drafts", params=params)).json()
            seen += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
    assert len({draft["draft_id"] for draft in seen}) == 4
    key = {"oldest": "created_at", "at_risk": "expires_at"}.get(sort)
    if key:
        assert [draft[key] for draft in seen] == sorted(draft[key] for draft in seen)


async def test_the_hottest_leads_are_first_by_their_present_score(office, tenant):
    leads = [await office.captured(tenant) for _ in range(3)]
    for lead in leads:
        await office.draft(tenant, lead)
    for lead, total in zip(leads, (10, 90, 50), strict=True):
        data = {"fit": total, "intent": 0, "engagement": 0, "total": total, "band": "B", "model_version": 1}
        await office.publish(tenant, lead, "lead.scored", {**data, "scored_at": _ahead(seconds=0)})
    async with office.client(tenant, "viewer") as http:
        items = (await http.get("/v1/drafts", params={"state": "pending", "sort": "hottest"})).json()["items"]
    assert [item["lead_id"] for item in items] == [str(leads[1]), str(leads[2]), str(leads[0])]


async def test_a_strategy_keeps_the_parts_that_are_not_given_and_is_checked_first(office, tenant):
    body = {"kind": "first", "stage": "new", "templates": {"email": {"body": "Tea for {{ company }}."}}}
    async with office.client(tenant, "admin") as http:
        made = (await http.post("/v1/strategies", json=body)).json()
        assert "A short question" in made["templates"]["email"]["subject"]
        assert made["templates"]["sms"]["body"]
        for wrong in ("{% if employees > 100 %}Big.{% endif %}", "{{ company|replace('a', 'aaaa') }}"):
            refused = await http.post("/v1/strategies", json={**body, "templates": {"email": {"body": wrong}}})
            assert refused.status_code == 422
            assert refused.json()["errors"][0]["field"].startswith("templates.email")


async def test_strategies_are_data_and_versioned(office, tenant):
    async with office.client(tenant, "admin") as http:
        items = (await http.get("/v1/strategies")).json()["items"]
        assert {(item["kind"], item["version"]) for item in items} >= {("first", 0), ("follow_up", 0)}
        mine = {
            "kind": "first",
            "stage": "new",
            "aim": "sell tea",
            "templates": {"email": {"subject": "Tea, {{ first_name }}?", "body": "Tea for {{ company }}."}},
        }
        made = await http.post("/v1/strategies", json=mine)
        assert (made.status_code, made.json()["version"]) == (201, 1)
        assert (await http.put("/v1/strategies", json={"items": [mine]})).status_code == 200
        bad = {**mine, "templates": {"email": {"body": "{% for x in y %}{% endfor %}"}}}
        refused = await http.post("/v1/strategies", json=bad)
        assert refused.status_code == 422
        assert "For is not allowed" in refused.text
    async with office.client(tenant, "reviewer") as http:
        assert (await http.post("/v1/strategies", json=mine)).status_code == 403
        lead = await office.captured(tenant)
        made = (await http.post("/v1/drafts", json={"lead_id": str(lead), "kind": "first"})).json()
        await office.compose()
        draft = (await http.get(f"/v1/drafts/{made['draft_id']}")).json()
    assert (draft["subject"], draft["body"]) == ("Tea, Ada?", "Tea for Analytical Ltd.\n")
    assert draft["made_from"]["strategy"] == "first/new@2"


def _ahead(**parts: float) -> str:
    return (datetime.now(UTC) + timedelta(**parts)).isoformat()

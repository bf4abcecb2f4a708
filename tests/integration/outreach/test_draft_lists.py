"""The reviewers' list: small items, the numbers of all drafts, who works on which, and pages that cost the same."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.outreach.drafts.store import counts, lists
from services.outreach.drafts.workers import fold_counts
from services.outreach.rules import KIND_STAGES
from services.outreach.store import backlog
from shared.observability import DRAFTS_AGE, DRAFTS_PENDING
from tests.integration.outreach.test_background import scored


async def listed(office, tenant, subject: str = "ann", **params) -> dict:
    async with office.client(tenant, "reviewer", subject=subject) as http:
        answer = await http.get("/v1/drafts", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture
async def drafts(office, tenant) -> list[dict]:
    return [await office.draft(tenant, await office.captured(tenant)) for _ in range(3)]


async def act(office, tenant, draft, action: str, subject: str = "ann", **body) -> dict:
    async with office.client(tenant, "reviewer", subject=subject) as http:
        answer = await http.post(f"/v1/drafts/{draft['draft_id']}/{action}", json=body)
    assert answer.status_code in (200, 202), answer.text
    return dict(answer.json())


async def test_an_item_has_the_score_and_the_lead_and_leaves_out_what_is_large(office, tenant):
    lead = await office.captured(tenant, last_name="King")
    await office.draft(tenant, lead)
    await scored(office, tenant, lead, 62)
    (item,) = (await listed(office, tenant, state="pending", sort="hottest"))["items"]
    assert item["score"] == 62
    assert item["lead"] == {
        "name": "Ada King",
        "company": "Analytical Ltd",
        "score": 62,
        "band": "B",
        "stage": "new",
        "owner": None,
    }
    assert item["body"] and not {"made_from", "texts", "conversation"} & set(item)


async def test_a_list_has_only_the_fields_that_are_asked_for(office, tenant, drafts):
    page = await listed(office, tenant, fields="draft_id, from,made_from", limit=2)
    assert [set(item) for item in page["items"]] == [{"draft_id", "from", "made_from"}] * 2
    assert page["next_cursor"] and page["total"] == 3
    summary = (await listed(office, tenant, fields="summary"))["items"][0]
    assert {"draft_id", "sha256", "subject", "score", "lead"} < set(summary) and "body" not in summary
    async with office.client(tenant, "viewer") as http:
        wrong = await http.get("/v1/drafts", params={"fields": "draft_id,stat"})
        assert (wrong.status_code, wrong.json()["detail"]) == (422, "there is no field 'stat'; did you mean 'state'?")
        assert (await http.get("/v1/drafts", params={"fields": ","})).status_code == 422


async def test_the_numbers_are_of_all_drafts_by_state_and_kind(office, tenant, drafts):
    await act(office, tenant, drafts[0], "reject", reason="no")
    await act(office, tenant, drafts[1], "snooze", until=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    await act(office, tenant, drafts[2], "claim")
    page = await listed(office, tenant, state="pending", limit=1)
    states = {"pending": 2, "approved": 0, "rejected": 1, "superseded": 0, "expired": 0}
    assert page["counts"] == {
        "state": states,
        "kind": {**dict.fromkeys(KIND_STAGES, 0), "first": 2},
        "claimed": 1,
        "mine": 1,
        "snoozed": 1,
    }
    assert (page["total"], len(page["items"])) == (2, 1)
    assert (await listed(office, tenant))["total"] == 3
    assert (await listed(office, tenant, kind="answer"))["counts"]["state"] == dict.fromkeys(states, 0)
    of_lead = await listed(office, tenant, lead_id=drafts[0]["lead_id"])
    assert (of_lead["total"], of_lead["counts"]["state"]["rejected"]) == (1, 1)


async def test_adding_the_numbers_up_changes_none(office, tenant, drafts, monkeypatch):
    await act(office, tenant, drafts[0], "reject", reason="no")
    before = (await listed(office, tenant))["counts"]
    monkeypatch.setattr(counts, "FOLD_ABOVE", 1)
    while await fold_counts(office.database) and await rows(office, tenant) > 2:
        pass
    assert await rows(office, tenant) == 2
    assert (await listed(office, tenant))["counts"] == before
    await act(office, tenant, drafts[1], "reject", reason="no")
    assert (await listed(office, tenant))["counts"]["state"]["rejected"] == 2


async def rows(office, tenant) -> int:
    async with office.database.worker() as work:
        row = await work.fetch_one("SELECT count(*) AS n FROM draft_count WHERE tenant_id = :tenant", tenant=tenant)
    return int(row["n"])


async def test_erasing_a_lead_takes_its_drafts_out_of_the_numbers(office, tenant, drafts):
    lead_id = drafts[0]["lead_id"]
    await office.publish(tenant, lead_id, "lead.erased", {"lead_id": lead_id})
    assert (await listed(office, tenant))["total"] == 2


async def test_a_lead_has_its_drafts_under_each_of_its_ids(office, tenant):
    kept, alias = await office.captured(tenant), await office.captured(tenant)
    own, others = await office.draft(tenant, kept), await office.draft(tenant, alias)
    data = {"lead_id": str(kept), "alias_id": str(alias), "merge_id": str(alias), "version": 1}
    await office.publish(tenant, kept, "lead.merged", data)
    for lead_id in (kept, alias):
        page = await listed(office, tenant, lead_id=str(lead_id))
        assert {each["draft_id"] for each in page["items"]} == {own["draft_id"], others["draft_id"]}
        counted = page["counts"]["state"]
        assert (page["total"], counted["pending"], counted["superseded"]) == (2, 1, 1)
        assert len((await listed(office, tenant, lead_id=str(lead_id), state="pending"))["items"]) == 1


async def test_a_list_shows_what_is_claimed_what_is_not_and_what_is_mine(office, tenant, drafts):
    await act(office, tenant, drafts[0], "claim")
    await act(office, tenant, drafts[1], "claim", subject="bob")

    async def ids(**params) -> list[int]:
        items = (await listed(office, tenant, **params))["items"]
        return [[draft["draft_id"] for draft in drafts].index(item["draft_id"]) for item in items]

    assert await ids(claimed=True) == [0, 1] == await ids(unclaimed=False)
    assert await ids(claimed=False) == [2] == await ids(unclaimed=True)
    assert await ids(mine=True) == [0]
    assert await ids(mine=True, subject="bob", state="pending") == [1]
    assert await ids(mine=False) == [1, 2]
    assert await ids(mine=False, claimed=True) == [1]
    assert await ids(mine=False, unclaimed=True) == [2]
    office.advance(minutes=16)
    assert await ids(claimed=True) == [] and await ids(claimed=False) == await ids(mine=False) == [0, 1, 2]


async def test_a_list_by_who_works_on_them_has_pending_drafts_only(office, tenant, drafts):
    await act(office, tenant, drafts[0], "reject", reason="no")
    await act(office, tenant, drafts[1], "claim")
    for filters, expected in (
        ({"unclaimed": True}, [2]),
        ({"claimed": False}, [2]),
        ({"mine": False}, [2]),
        ({"claimed": True}, [1]),
        ({"mine": True}, [1]),
    ):
        page = await listed(office, tenant, **filters)
        assert [item["draft_id"] for item in page["items"]] == [drafts[n]["draft_id"] for n in expected], filters
        assert page["total"] == 2, filters


@pytest.mark.parametrize(
    "filters",
    [
        {"claimed": True, "unclaimed": True},
        {"claimed": False, "unclaimed": False},
        {"mine": True, "claimed": False},
        {"mine": True, "unclaimed": True},
        {"state": "approved", "mine": True},
        {"state": "rejected", "claimed": False},
    ],
)
async def test_filters_that_contradict_each_other_are_refused(office, tenant, filters):
    async with office.client(tenant, "viewer") as http:
        answer = await http.get("/v1/drafts", params=filters)
    assert (answer.status_code, answer.json()["detail"]) == (422, "the filters contradict each other")


async def test_the_numbers_of_drafts_at_work_are_those_of_the_lists(office, tenant, drafts):
    until = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    await act(office, tenant, drafts[0], "snooze", until=until)
    for draft in drafts[:2]:
        await act(office, tenant, draft, "claim")
    for minutes, expected in ((0, 1), (6, 2)):
        office.advance(minutes=minutes)
        for filters, count in (({"mine": True}, "mine"), ({"claimed": True, "state": "pending"}, "claimed")):
            page = await listed(office, tenant, **filters)
            assert (len(page["items"]), page["counts"][count]) == (expected, expected)
    assert page["counts"]["snoozed"] == 0


async def test_a_new_score_moves_the_pending_drafts_of_its_lead_and_leaves_their_version(office, tenant, drafts):
    for draft, total in zip(drafts, (10, 90, 50), strict=True):
        await scored(office, tenant, draft["lead_id"], total)
    items = (await listed(office, tenant, state="pending", sort="hottest"))["items"]
    assert [item["score"] for item in items] == [90, 50, 10]
    assert {item["version"] for item in items} == {drafts[0]["version"]}
    await act(office, tenant, drafts[1], "reject", reason="no")
    await office.draft(tenant, drafts[1]["lead_id"])
    items = (await listed(office, tenant, state="pending", sort="hottest"))["items"]
    assert [item["score"] for item in items] == [90, 50, 10], "a new draft has the score that its lead has"


@pytest.mark.parametrize(
    ("sort", "after"), [("oldest", datetime.now(UTC)), ("at_risk", datetime.now(UTC)), ("hottest", 50)]
)
async def test_a_page_of_pending_drafts_is_read_from_an_index_in_its_order(office, tenant, sort, after):
    async with office.database.tenant(tenant) as work:
        fetch = work.fetch

        async def explain(statement: str, **values):
            await work.run("SET LOCAL enable_seqscan = off")
            await work.run("SET LOCAL enable_sort = off")
            return await fetch(f"EXPLAIN {statement}", **values)

        work.fetch = explain  # type: ignore[method-assign]
        plan = await lists.page(
            work,
            tenant,
            {"state": "pending"},
            leases=lists.Leases(),
            snoozed=False,
            sort=sort,
            after=(after, uuid4()),
            limit=50,
        )
    text = "\n".join(next(iter(row.values())) for row in plan)
    assert any(f"Index Scan using draft_{name}" in text for name in (sort, "all")) and "Sort" not in text, text


async def test_a_snoozed_draft_does_not_wait_for_anybody_before_its_time(office, tenant):
    async def waiting() -> tuple[float, float]:
        async with office.database.monitor() as work:
            await backlog.measure(work)
        return DRAFTS_PENDING._value.get(), DRAFTS_AGE._value.get() / 86_400

    async def change(assignment: str) -> None:
        async with office.database.worker([tenant]) as work:
            await work.run(f"UPDATE draft SET {assignment} WHERE draft_id = :draft", draft=UUID(draft["draft_id"]))

    before, _ = await waiting()
    draft = await office.draft(tenant, await office.captured(tenant))
    await change("created_at = clock_timestamp() - interval '400 days'")
    count, days = await waiting()
    assert (count, round(days)) == (before + 1, 400)
    await act(office, tenant, draft, "snooze", until=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    count, days = await waiting()
    assert (count, days < 400) == (before, True)
    await change("snoozed_until = clock_timestamp() - interval '300 days'")
    count, days = await waiting()
    assert (count, round(days)) == (before + 1, 300)

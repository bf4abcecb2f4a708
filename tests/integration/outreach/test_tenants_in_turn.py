"""Work of all tenants is done in turn: whoever has much of it keeps nobody else waiting for more than a few rounds."""

from collections.abc import Mapping

import pytest

from services.outreach.drafts.store import check_ins, compositions
from services.outreach.replies.store import inbound_mails
from services.outreach.sending.store import due_for_exhaustion
from services.outreach.sending.workers import check_exhaustion
from services.outreach.sequences.store import enrolments
from services.outreach.store import model_use
from tests.integration.outreach.sequence_steps import enrolled, replied, text, written
from tests.integration.outreach.test_asking import UNCLEAR, Model, asker
from tests.integration.outreach.test_guards import as_owner
from tests.integration.outreach.test_replies import replies

ROUNDS = 50
"""After so many rounds of which each takes most of those that wait, each has had its turn."""


async def test_a_tenant_with_one_draft_to_write_does_not_wait_for_all_drafts_of_many_others(office, tenant):
    while await office.compose():
        pass
    names = [f"{tenant}-{number}" for number in range(10)]
    for name in names:
        for _ in range(1 if name == names[-1] else 3):
            await office.moved(name, await office.captured(name), "qualified")
    async with office.database.worker() as work:
        rounds = [{row["tenant_id"] for row in await compositions.due(work, 8)} for _ in range(ROUNDS)]
    assert {len(each) for each in rounds} == {8}, "a round takes one of each"
    assert set().union(*rounds) == set(names)
    while await office.compose():
        pass


async def test_a_due_step_does_not_wait_for_all_enrolments_that_another_tenant_has_woken(office, tenant):
    bulk, small = f"{tenant}-bulk", f"{tenant}-small"
    await enrolled(office, bulk, await written(office, bulk, text("P9D")), await office.captured(bulk))
    many = """
        INSERT INTO enrolment (tenant_id, enrolment_id, lead_id, sequence_id, version, step, anchor_at, planned_at,
                               due_at, cause, cause_id, enrolled_by, created_at)
        SELECT tenant_id, gen_random_uuid(), gen_random_uuid(), sequence_id, 1, 1, now(), now(),
               now() + interval '9 days', 'manual', 'bulk:' || n, 'human:ann', now()
        FROM enrolment, generate_series(1, 200) AS n WHERE tenant_id = :tenant
    """
    await as_owner(office, bulk, many)
    window = {"days": ["mon"], "start": "09:00", "end": "17:00"}
    async with office.client(bulk, "admin") as http:
        assert (await http.put("/v1/settings", json={"window": window})).status_code == 200
    of = await enrolled(office, small, await written(office, small, text("PT0S")), await office.captured(small))
    try:
        async with office.database.worker() as work:
            due = await enrolments.due(work, 50)
        assert of["enrolment_id"] in {str(enrolment_id) for _, enrolment_id in due}
        assert len(due) == 50, "the rest of the round is for whoever has more"
    finally:
        await as_owner(office, bulk, "DELETE FROM enrolment WHERE tenant_id = :tenant AND cause_id LIKE 'bulk:%'")


_MAILS = "INSERT INTO inbound_mail (tenant_id, mail_id, raw, received_at, due_at) SELECT :tenant, gen_random_uuid()"
_LEADS = "INSERT INTO lead (tenant_id, lead_id, {}_due) SELECT :tenant, gen_random_uuid(),"


@pytest.mark.parametrize(
    ("table", "rows", "due"),
    [
        ("inbound_mail", f"{_MAILS}, '', now(),", inbound_mails.due),
        ("lead", _LEADS.format("nurture"), check_ins.due),
        ("lead", _LEADS.format("exhaust"), due_for_exhaustion),
    ],
    ids=["mails to read", "check-ins", "channels to check"],
)
async def test_what_one_tenant_waits_for_is_found_before_the_bulk_of_another(office, tenant, table, rows, due):
    while await check_exhaustion(office.database):
        pass  # what other tests have left: a round has place for twenty tenants
    tenants = {f"{tenant}-bulk": 100, f"{tenant}-small": 1}
    for days, (name, count) in zip((9, 1), tenants.items(), strict=True):
        await as_owner(office, name, f"{rows} now() - interval '{days} days' FROM generate_series(1, {count})")
    try:
        async with office.database.worker() as work:
            found = [row["tenant_id"] if isinstance(row, Mapping) else row[0] for row in await due(work, 20)]
        assert set(tenants) <= set(found)
    finally:
        for name in tenants:
            await as_owner(office, name, f"DELETE FROM {table} WHERE tenant_id = :tenant")


async def test_a_tenant_without_tokens_keeps_no_reply_of_another_from_the_language_model(office, tenant):
    poor, rich = f"{tenant}-poor", f"{tenant}-rich"
    for name, count in ((poor, 12), (rich, 1)):
        for _ in range(count):
            await replied(office, name, await office.captured(name), UNCLEAR)
    async with office.database.worker([poor]) as work:
        await model_use.add(work, poor, 1_000)
    model = Model({"label": "later", "sentence": "?! ..."})
    try:
        for _ in range(ROUNDS):
            await asker(office, model).step(office.database)
            (found,) = await replies(office, rich)
            if found["label"] == "later":
                return
        raise AssertionError("the reply is never asked about")
    finally:
        await as_owner(office, poor, "UPDATE reply SET needs_human = false WHERE tenant_id = :tenant")

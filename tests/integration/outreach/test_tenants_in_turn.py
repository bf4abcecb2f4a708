"""Work of all tenants is done in turn: whoever has much of it keeps nobody else waiting for more than a few rounds."""

from services.outreach.drafts.store import compositions

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

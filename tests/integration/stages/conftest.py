import pytest

from shared.testing.builders import ALead


@pytest.fixture
async def stages(start):
    return await start("stages")


@pytest.fixture
def captured(stages, bus, tenant, eventually):
    """Make leads that the stage service knows: `await captured(3, campaign="spring")`."""

    async def captured(count: int = 1, **details) -> list[ALead]:
        leads = [ALead(bus, tenant) for _ in range(count)]
        for lead in leads:
            lead.captured(**details)
        bus.flush()

        async def known():
            async with stages.database.worker() as work:
                rows = await work.fetch(
                    "SELECT 1 FROM lead WHERE captured AND tenant_id = :t AND lead_id = ANY (CAST(:ids AS uuid[]))",
                    t=tenant,
                    ids=[lead.id for lead in leads],
                )
            return len(rows) == count

        await eventually(known)
        return leads

    return captured

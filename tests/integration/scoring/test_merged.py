"""Merges and erasures whose events are read in any order, each in a batch of its own."""

from dataclasses import dataclass, field
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from services.scoring.use_cases import ModelCache, refresh_due_scores
from shared.db import Database
from shared.events import EngagementRecorded, LeadCaptured, LeadErased, LeadMerged, Received
from shared.ids import uuid7
from tests.integration.scoring.test_scores import NOW
from tests.integration.scoring.test_side_by_side import process, received


@pytest.fixture(scope="module")
async def scoring(start: Any) -> Any:
    return await start("scoring")


@dataclass
class Reader:
    """Reads events batch by batch, as the consumer does; `client` asks the service meanwhile."""

    scoring: Any
    tenant: str
    client: Any
    models: ModelCache = field(default_factory=ModelCache)

    async def read(self, *batch: Received[Any]) -> None:
        await process(self.scoring.database, self.models, list(batch))

    def captured(self, lead: UUID, source: str = "website") -> Received[Any]:
        event = LeadCaptured(lead_id=lead, source=source, created_on=NOW, consent=None)
        return received(event, self.tenant, lead, 0, f"{lead}-captured")

    def form(self, lead: UUID, minutes: int = 1) -> Received[Any]:
        return received(EngagementRecorded(kind="form"), self.tenant, lead, minutes, f"{lead}-form-{minutes}")

    def merged(self, kept: UUID, alias: UUID, version: int = 1, undone: bool = False) -> Received[Any]:
        undo = {"undone": True} if undone else {}
        event = LeadMerged(lead_id=kept, alias_id=alias, merge_id=uuid7(), version=version, **undo)
        return received(event, self.tenant, kept, 10 + version, f"{alias}-merge-{version}")

    def erased(self, lead: UUID) -> Received[Any]:
        return received(LeadErased(lead_id=lead), self.tenant, lead, 20, f"{lead}-erased")

    async def total(self, lead: UUID) -> int | None:
        """The score that the API answers; None for 404."""
        answer = await self.client.get(f"/v1/leads/{lead}/score")
        return None if answer.status_code == 404 else int(answer.json()["total"])

    async def stored(self, *leads: UUID, table: str = "lead") -> list[dict[str, Any]]:
        async with self.scoring.database.worker() as work:
            rows = await work.fetch(
                f"SELECT * FROM {table} WHERE lead_id = ANY (CAST(:leads AS uuid[]))", leads=list(leads)
            )
        return [dict(row) for row in rows]


def _points(leads: list[dict[str, Any]]) -> int:
    """The score last published of one lead."""
    (lead,) = leads
    return int(lead["fit"] + lead["intent"] + lead["engagement"])


@pytest.fixture
async def reader(scoring: Any, tenant: str) -> Any:
    async with scoring.client(tenant, "viewer") as client:
        yield Reader(scoring, tenant, client)


@pytest.mark.parametrize("order", list(permutations(["kept erased", "merged", "alias erased"])), ids=", ".join)
async def test_an_erased_lead_stays_erased_whenever_its_merge_is_read(
    reader: Reader, bus: Any, order: tuple[str, ...]
) -> None:
    kept, alias, marker = uuid7(), uuid7(), uuid7()
    events = {
        "kept erased": reader.erased(kept),
        "merged": reader.merged(kept, alias),
        "alias erased": reader.erased(alias),
    }
    await reader.read(reader.captured(alias), reader.form(alias))
    for number, name in enumerate(order):
        await reader.read(events[name])
        if "kept erased" in order[: number + 1]:
            await reader.read(reader.form(alias, 2 + number))
            assert await reader.total(kept) is None
            assert not await reader.stored(kept)
    assert [await reader.total(lead) for lead in (kept, alias)] == [None, None]
    for table in ("lead", "signal"):
        assert not await reader.stored(kept, alias, table=table)
    await reader.read(reader.captured(marker))
    await bus.read("lead.scored", tenant=reader.tenant, where=lambda seen: seen.lead_id == str(marker))
    published = [seen for seen in bus.seen("lead.scored", tenant=reader.tenant) if seen.lead_id == str(kept)]
    assert bool(published) == (order[0] == "merged"), "only before its erasure"


async def test_an_alias_keeps_its_signals_where_its_merge_was_undone_before_the_erasure(reader: Reader) -> None:
    kept, alias = uuid7(), uuid7()
    await reader.read(reader.captured(alias), reader.form(alias))
    total = await reader.total(alias)
    await reader.read(reader.erased(kept))
    await reader.read(reader.merged(kept, alias))
    assert await reader.total(alias) is None
    await reader.read(reader.merged(kept, alias, version=2, undone=True))
    assert [await reader.total(kept), await reader.total(alias)] == [None, total]


async def test_an_undo_read_after_the_next_merge_leaves_the_former_lead_its_own_points(reader: Reader) -> None:
    former, kept, alias = uuid7(), uuid7(), uuid7()
    await reader.read(*map(reader.captured, (former, kept, alias)), reader.form(alias))
    own = await reader.total(former)
    await reader.read(reader.merged(former, alias))
    with_alias = _points(await reader.stored(former))
    await reader.read(reader.merged(kept, alias, version=3))
    await reader.read(reader.merged(former, alias, version=2, undone=True))
    assert _points(await reader.stored(former)) == own == await reader.total(former)
    assert _points(await reader.stored(kept)) == with_alias == await reader.total(alias)


@pytest.mark.parametrize(
    "lost",
    [
        "INSERT INTO erased (tenant_id, lead_id) VALUES (:tenant, :lead) ON CONFLICT DO NOTHING",
        "DELETE FROM signal WHERE tenant_id = :tenant AND lead_id = :lead",
    ],
)
async def test_the_refresher_rests_once_it_has_looked_at_a_score_that_nothing_is_left_of(
    reader: Reader, scoring: Any, lost: str
) -> None:
    lead, models = uuid7(), ModelCache()
    await reader.read(reader.captured(lead), reader.form(lead))
    later = Database(scoring.service.settings.database, "scoring")
    later.clock.advance(days=400)
    numbers = []
    for _ in range(2):
        async with later.worker([reader.tenant]) as work:
            await work.run(lost, tenant=reader.tenant, lead=lead)
            numbers.append(await refresh_due_scores(work, models, 10))
    await later.close()
    assert numbers == [1, 0]

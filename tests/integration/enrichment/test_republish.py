"""Facts are published again: of aliases too, because readers of a merged lead count what they know of both."""

from datetime import timedelta
from typing import Any

import pytest

from services.enrichment.republish import raise_page
from shared.ids import uuid7
from shared.limits import REVISIONS_RAISED
from shared.messaging.republish import republish
from tests.integration.enrichment.test_enrichment import HEAD, NOW, Story


@pytest.fixture
async def enrichment(start: Any) -> Any:
    return await start("enrichment")


@pytest.fixture
async def merged(enrichment: Any, bus: Any, tenant: str, eventually: Any) -> tuple[Story, Story]:
    """A lead and its alias, both enriched before the merge."""
    kept, alias = Story(bus, tenant), Story(bus, tenant)
    kept.captured(**HEAD)
    alias.captured(email="eva@gmail.com", job_title="CEO")
    await kept.enriched()
    await alias.enriched()
    kept.publish("lead.merged", alias_id=str(alias.lead), merge_id=str(uuid7()), version=2)
    bus.flush()

    async def is_alias() -> bool:
        async with enrichment.database.worker() as work:
            return bool(await work.fetch("SELECT 1 FROM alias WHERE alias_id = :alias", alias=alias.lead))

    await eventually(is_alias)
    return kept, alias


async def test_the_facts_of_an_alias_are_republished_with_those_of_its_lead(
    enrichment: Any, merged: tuple[Story, Story], tenant: str
) -> None:
    counts = await republish(enrichment.database, ["lead.enriched"], tenant, NOW - timedelta(days=1))
    assert counts == {"lead.enriched": 2}
    for story in merged:
        first, again = await story.enriched(2)
        assert (again.id, again.data, again.time) == (first.id, first.data, first.time)
        assert "ce_sequence" not in again.headers


async def test_the_facts_of_an_alias_are_published_under_a_raised_revision(
    enrichment: Any, merged: tuple[Story, Story], tenant: str
) -> None:
    async with enrichment.database.worker([tenant]) as work:
        revisions = await raise_page(work, None, 10)
    assert revisions == {story.lead: REVISIONS_RAISED + 1 for story in merged}
    for story in merged:
        first, newer = await story.enriched(2)
        assert newer.data == first.data
        assert newer.time > first.time

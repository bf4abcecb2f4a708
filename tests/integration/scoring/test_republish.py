from datetime import timedelta
from typing import Any

import pytest

from shared.messaging.republish import republish
from tests.integration.scoring.test_scores import NOW, Story


@pytest.fixture(scope="module")
async def scoring(start: Any) -> Any:
    return await start("scoring")


async def test_scores_are_republished_under_their_first_ids(scoring: Any, bus: Any, tenant: str) -> None:
    stories = [Story(bus, tenant) for _ in range(3)]
    for story in stories:
        story.captured()
    stories[0].visited()
    before = {story.lead: await story.scored(9 if story is stories[0] else 6) for story in stories}
    counts = await republish(scoring.database, ["lead.scored"], tenant, NOW - timedelta(days=1))
    assert counts == {"lead.scored": 3}
    for story in stories:
        republished = await story.scored(before[story.lead].data["total"], count=2)
        first = before[story.lead]
        assert (republished.id, republished.data, republished.time) == (first.id, first.data, first.time)
        assert "ce_sequence" not in republished.headers

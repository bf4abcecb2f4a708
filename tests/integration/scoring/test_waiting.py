"""Signals of a lead that is not captured wait for it, each for as long as any other."""

from datetime import timedelta
from typing import Any

import pytest

from services.scoring.workers import purger
from tests.integration.scoring.test_scores import Story

DAYS = 30


@pytest.fixture(scope="module")
async def scoring(start: Any) -> Any:
    return await start("scoring")


async def signals_of(scoring: Any, story: Story) -> list[str]:
    async with scoring.database.worker() as work:
        rows = await work.fetch("SELECT event_id FROM signal WHERE lead_id = :lead ORDER BY 1", lead=story.lead)
    return [row["event_id"].removeprefix(f"{story.lead}-") for row in rows]


async def made_older(scoring: Any, story: Story, **days: float) -> None:
    """As if these signals had been recorded so many days ago, and the first of them had been stored then."""
    async with scoring.database.worker([story.tenant]) as work:
        for event_id, age in days.items():
            await work.run(
                "UPDATE signal SET recorded_at = :at WHERE lead_id = :lead AND event_id = :id",
                at=work.now - timedelta(days=age),
                lead=story.lead,
                id=f"{story.lead}-{event_id}",
            )
        await work.run(
            "UPDATE lead l SET seen_at = (SELECT min(recorded_at) FROM signal s WHERE s.lead_id = l.lead_id)"
            " WHERE lead_id = :lead",
            lead=story.lead,
        )


async def test_a_signal_waits_thirty_days_for_the_capture_whatever_was_before_it(
    scoring: Any, bus: Any, tenant: str, eventually: Any
) -> None:
    late, never, captured = (Story(bus, tenant) for _ in range(3))
    for story in (late, never, captured):
        story.visited(1, id=f"{story.lead}-first")
        story.visited(0.9, id=f"{story.lead}-second")
    captured.captured()
    await captured.scored()
    bus.flush()

    async def stored() -> bool:
        return all([await signals_of(scoring, story) == ["first", "second"] for story in (late, never)])

    await eventually(stored)
    await made_older(scoring, late, first=DAYS + 1)
    await made_older(scoring, never, first=DAYS + 3, second=DAYS + 2)
    await made_older(scoring, captured, first=DAYS + 1, second=DAYS + 1)
    purge = purger(DAYS)
    assert await purge(scoring.database) == 2
    assert await signals_of(scoring, late) == ["second"]
    assert await signals_of(scoring, never) == []
    assert {"first", "second"} < set(await signals_of(scoring, captured))
    assert await purge(scoring.database) == 0, "what is left is looked at when it is old"
    async with scoring.database.worker() as work:
        assert not await work.fetch("SELECT 1 FROM lead WHERE lead_id = :lead", lead=never.lead)
    late.captured(2)
    assert (await late.scored()).data["engagement"] == 3

"""The pipeline report: how many leads stand in each stage, who moved between which, how long they had stayed."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

from services.goals.rules.path import UNKNOWN, median_seconds
from services.goals.rules.periods import zone
from services.goals.rules.ranges import bounds
from services.goals.store import pipeline
from shared.db import UnitOfWork
from shared.errors import Invalid

STAGES = (
    "new", "contacted", "engaged", "qualified", "scheduled", "meeting_completed", "nurture", "exhausted",
    "won", "lost", "bad_phone", "bad_contact", "moved_company", "dead",
)  # fmt: skip
EXACT_UP_TO = 500
"""Up to so many stays in a stage the median is taken from the rows; above, from the counters."""
USUAL = timedelta(days=30)


def asked(first: str | None, last: str | None, timezone: str | None, now: datetime) -> tuple[datetime, datetime]:
    """The range that is asked for; the last 30 days where nothing is said. Invalid names the field that is wrong."""
    if first is None and last is None:
        return now - USUAL, now
    try:
        if last is None:
            return bounds(first or "", now.isoformat(), zone(timezone))
        if first is None:
            _, end = bounds("1970-01-02", last, zone(timezone))
            return end - USUAL, end
        return bounds(first, last, zone(timezone))
    except ValueError as error:
        field = "from" if str(error).startswith("from") else "to"
        raise Invalid(str(error), [{"field": field, "message": str(error)}]) from None


async def report(work: UnitOfWork, tenant: str, start: datetime, end: datetime) -> dict[str, Any]:
    """The pipeline between two instants, rounded out to quarters of an hour; the stages as they are now."""
    start, end = pipeline.rounded(start, end)
    standing = await pipeline.standing(work, tenant)
    rows = await pipeline.moves(work, tenant, start, end)
    moves: Counter[tuple[str, str]] = Counter()
    stays: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for row in rows:
        moves[row["from_stage"], row["to_stage"]] += int(row["number"])
        stays[row["from_stage"]][row["stay"]] += int(row["number"])
    medians = {stage: median_seconds(list(counts.items())) for stage, counts in stays.items()}
    known = {stage: sum(n for stay, n in counts.items() if stay != UNKNOWN) for stage, counts in stays.items()}
    few = [stage for stage, number in known.items() if 0 < number <= EXACT_UP_TO]
    medians |= await pipeline.exact_medians(work, tenant, few, start, end) if few else {}
    return {
        "from": start,
        "to": end,
        "as_of": work.now,
        "stages": {stage: standing.get(stage, 0) for stage in (*STAGES, *sorted(standing.keys() - set(STAGES)))},
        "moves": [
            {"from": origin, "to": to, "count": number}
            for (origin, to), number in sorted(moves.items(), key=lambda item: (-item[1], item[0]))
            if number
        ],
        "median_days": {stage: _days(medians.get(stage)) for stage in (*STAGES, *sorted(medians.keys() - set(STAGES)))},
        "estimated": sorted(stage for stage, number in known.items() if number > EXACT_UP_TO),
    }


def _days(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 86_400, 6)

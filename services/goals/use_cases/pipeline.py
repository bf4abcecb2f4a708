"""The pipeline report: leads in each stage now, moves between stages in a range, and median times in stage."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

from services.goals.rules.date_ranges import InvalidRange, bounds, check_form
from services.goals.rules.days import zone
from services.goals.rules.durations import UNKNOWN, median_seconds
from services.goals.rules.stages import STAGES
from services.goals.store import pipeline
from shared.db import UnitOfWork
from shared.errors import Invalid

EXACT_UP_TO = 500
"""Up to so many leads that left a stage its median is computed from the transitions, above that from the counters."""
DEFAULT_LENGTH = timedelta(days=30)


def range_of(first: str | None, last: str | None, timezone: str | None, now: datetime) -> tuple[datetime, datetime]:
    """The range between `from` and `to`; the last 30 days where both are missing. Invalid names the wrong field."""
    if first is None and last is None:
        return now - DEFAULT_LENGTH, now
    try:
        for field, text in (("from", first), ("to", last)):
            if text is not None:
                check_form(field, text)
        if last is None:
            return bounds(first or "", now.isoformat(), zone(timezone))
        if first is None:
            _, end = bounds("1970-01-02", last, zone(timezone))
            return end - DEFAULT_LENGTH, end
        return bounds(first, last, zone(timezone))
    except InvalidRange as error:
        raise Invalid(str(error), [{"field": error.field, "message": str(error)}]) from None


async def pipeline_report(work: UnitOfWork, tenant: str, start: datetime, end: datetime) -> dict[str, Any]:
    """The report of a range, which is rounded out to quarters of an hour; the stages are counted as they are now."""
    start, end = pipeline.rounded_out(start, end)
    stages = await pipeline.stage_counts(work, tenant)
    moves: Counter[tuple[str, str]] = Counter()
    stays: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for row in await pipeline.move_counts(work, tenant, start, end):
        moves[row["from_stage"], row["to_stage"]] += int(row["number"])
        stays[row["from_stage"]][row["stay"]] += int(row["number"])
    medians = {stage: median_seconds(list(numbers.items())) for stage, numbers in stays.items()}
    known = {stage: sum(n for stay, n in numbers.items() if stay != UNKNOWN) for stage, numbers in stays.items()}
    few = [stage for stage, number in known.items() if 0 < number <= EXACT_UP_TO]
    medians |= await pipeline.exact_medians(work, tenant, few, start, end) if few else {}
    return {
        "from": start,
        "to": end,
        "as_of": work.now,
        "stages": {stage: stages.get(stage, 0) for stage in (*STAGES, *sorted(stages.keys() - set(STAGES)))},
        "moves": [
            {"from": from_stage, "to": to_stage, "count": number}
            for (from_stage, to_stage), number in sorted(moves.items(), key=lambda item: (-item[1], item[0]))
            if number
        ],
        "median_days": {stage: _days(medians.get(stage)) for stage in (*STAGES, *sorted(medians.keys() - set(STAGES)))},
        "estimated": sorted(stage for stage, number in known.items() if number > EXACT_UP_TO),
    }


def _days(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 86_400, 6)

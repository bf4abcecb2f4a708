"""A series: what is counted day by day for a metric, a filter and a time zone. Goals that ask alike share one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.goals.rules.leads import METRICS, REACHED, Count, Traits
from services.goals.rules.periods import day_of, zone

FILTERS = ("source", "campaign", "owner")
Filter = tuple[tuple[str, tuple[str, ...]], ...]
"""Sorted (field, allowed values): a lead must have one of the values in every field."""

DayCount = tuple[UUID, date]
"""(series id, local day)."""


def filter_of(wanted: Mapping[str, str | list[str]] | None) -> Filter:
    """A filter in the one form in which equal filters are equal."""
    return tuple(
        (field, tuple(sorted({values} if isinstance(values, str) else set(values))))
        for field, values in sorted((wanted or {}).items())
    )


def passes(wanted: Filter, traits: Traits) -> bool:
    """Whether a lead with these traits is counted."""
    return all(getattr(traits, field) in values for field, values in wanted)


@dataclass(frozen=True, slots=True)
class Series:
    series_id: UUID
    tenant: str
    metric: str
    timezone: str
    filter: Filter = ()
    start: datetime | None = None
    end: datetime | None = None
    """Of a custom period: nothing outside [start, end) is counted."""

    def takes(self, count: Count) -> bool:
        """Whether this is one of those that the series counts."""
        return (
            passes(self.filter, count.traits)
            and (self.start is None or count.at >= self.start)
            and (self.end is None or count.at < self.end)
        )


def daily(all_series: Iterable[Series], counts: Mapping[Count, int]) -> Counter[DayCount]:
    """The counts (or differences of counts) of one tenant, put to the days of its series; zeros are left out."""
    by_metric: defaultdict[str, list[Series]] = defaultdict(list)
    for series in all_series:
        by_metric[series.metric].append(series)
    found: Counter[DayCount] = Counter()
    for count, number in counts.items():
        for series in by_metric[count.metric]:
            if series.takes(count):
                found[series.series_id, day_of(count.at, zone(series.timezone))] += number
    return Counter({key: number for key, number in found.items() if number})


def needed(metric: str) -> tuple[str, ...]:
    """What has to be counted for a goal: its metric, and the steps for "what is missing"."""
    if metric not in METRICS:
        raise ValueError(f"{metric} is no metric of a goal")
    return (metric, *REACHED)

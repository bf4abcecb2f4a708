"""Time series: the daily counts of a metric, for a filter and a time zone. Goals with the same of these share one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.goals.rules.days import day_of, zone
from services.goals.rules.filters import Filter, matches
from services.goals.rules.funnel import REACHED_METRICS
from services.goals.rules.metrics import METRICS, Count

SeriesDay = tuple[UUID, date]
"""(series id, local day)."""

SeriesDefinition = tuple[str, str, Filter, datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """What is counted by day. Only a custom period that is not made of whole days has a `start` and an `end`."""

    series_id: UUID
    tenant: str
    metric: str
    timezone: str
    filter: Filter = ()
    start: datetime | None = None
    end: datetime | None = None
    """Nothing outside [start, end) is counted."""

    @property
    def definition(self) -> SeriesDefinition:
        """What the series counts; a tenant has one series for each definition."""
        return (self.metric, self.timezone, self.filter, self.start, self.end)

    def includes(self, count: Count) -> bool:
        """Whether a count of the series' metric belongs to it."""
        return (
            matches(self.filter, count.dimensions)
            and (self.start is None or count.at >= self.start)
            and (self.end is None or count.at < self.end)
        )


def daily_values(all_series: Iterable[TimeSeries], counts: Mapping[Count, int]) -> Counter[SeriesDay]:
    """The counts (or changes of counts) of one tenant by series and local day; zeros are left out."""
    by_metric: defaultdict[str, list[TimeSeries]] = defaultdict(list)
    for series in all_series:
        by_metric[series.metric].append(series)
    found: Counter[SeriesDay] = Counter()
    for count, number in counts.items():
        for series in by_metric[count.metric]:
            if series.includes(count):
                found[series.series_id, day_of(count.at, zone(series.timezone))] += number
    return Counter({key: number for key, number in found.items() if number})


def metrics_for_goal(metric: str) -> tuple[str, ...]:
    """What has to be counted for a goal with this metric: the metric itself first, and the steps of the funnel."""
    if metric not in METRICS:
        raise ValueError(f"{metric} is not a metric of a goal")
    return (metric, *REACHED_METRICS)

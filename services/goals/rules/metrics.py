"""The metrics: what a goal can count, and what each lead adds to them."""

from collections import Counter
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from services.goals.rules.funnel import REACHED_METRICS
from services.goals.rules.leads import LeadRecord

Metric = Literal["qualified_created", "first_qualified", "won", "meetings_held"]
METRICS: tuple[str, ...] = get_args(Metric)
"""What a goal can count."""


class Dimensions(NamedTuple):
    """The fields of a lead by which a goal may filter."""

    source: str | None
    campaign: str | None
    owner: str | None


class Count(NamedTuple):
    """What adds one to a metric: when it counts, and the dimensions of its lead."""

    metric: str
    at: datetime
    dimensions: Dimensions


def counts_of(lead: LeadRecord) -> Counter[Count]:
    """All that a lead adds to the metrics."""
    if not lead.is_counted or lead.counted_on is None:
        return Counter()
    dimensions = Dimensions(lead.source, lead.campaign, lead.counted_owner)
    found = [Count(REACHED_METRICS[step], lead.counted_on, dimensions) for step in range(lead.furthest_step + 1)]
    if lead.status == "qualified":
        found.append(Count("qualified_created", lead.counted_on, dimensions))
    if lead.first_qualified_on:
        found.append(Count("first_qualified", lead.first_qualified_on, dimensions))
    if lead.won_on:
        found.append(Count("won", lead.won_on, dimensions))
    found.extend(Count("meetings_held", at, dimensions) for at in lead.held_on)
    return Counter(found)

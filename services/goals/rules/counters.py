"""By how much the counters change when leads change.

A counter changes by "what the lead adds now" minus "what the same lead added before", both by the same functions. So a
counter equals the sum over the leads, however events are repeated or overtake each other.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.goals.rules.leads import LeadRecord
from services.goals.rules.metrics import Count, counts_of
from services.goals.rules.moves import Move, Transition, moves_of


class TenantStage(NamedTuple):
    tenant: str
    stage: str


@dataclass(slots=True)
class CounterChanges:
    """The numbers to add to the counters; a number of zero is left out."""

    metrics: Counter[tuple[str, Count]] = field(default_factory=Counter)
    """By (tenant, count)."""
    stages: Counter[TenantStage] = field(default_factory=Counter)
    """The number of leads in each stage."""
    moves: Counter[tuple[str, Move]] = field(default_factory=Counter)
    """By (tenant, move)."""

    def add(self, tenant: str, lead: LeadRecord, transitions: Iterable[Transition], sign: int) -> None:
        """Add (`sign` 1) or subtract (-1) what a lead adds to the counters."""
        for count, number in counts_of(lead).items():
            self.metrics[tenant, count] += sign * number
        if lead.counted_stage is not None:
            self.stages[TenantStage(tenant, lead.counted_stage)] += sign
        if lead.is_counted:
            for move in moves_of(transitions):
                self.moves[tenant, move] += sign

    def drop_zeros(self) -> None:
        counters: tuple[Counter[Any], ...] = (self.metrics, self.stages, self.moves)
        for counter in counters:
            for key in [key for key, number in counter.items() if not number]:
                del counter[key]

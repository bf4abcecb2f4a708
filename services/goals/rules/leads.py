"""One row for each lead id: the latest facts, from whichever event knows best, and what of them is counted.

Capture's facts come with a version and the stage service's with a revision; of each the greatest counts, so the order
of arrival, repetition and republishing make no difference, and nothing is ever added up from differences.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.goals.rules.meetings import Calendar
from services.goals.rules.path import START, Stand
from shared.events import LeadCaptured, LeadUpdated, StageChanged

METRICS = ("qualified_created", "first_qualified", "won", "meetings_held")
"""What a goal can count."""

STEPS = ("captured", "contacted", "qualified", "meeting_held", "won")
"""The steps of the way to a customer; who reached one has reached those before it."""

REACHED = tuple(f"reached_{step}" for step in STEPS)
"""What is counted beside, by day of creation, for the rates between the steps."""

STEP_OF_METRIC = {"qualified_created": 2, "first_qualified": 2, "meetings_held": 3, "won": 4}


class Traits(NamedTuple):
    """What a goal may filter by."""

    source: str | None
    campaign: str | None
    owner: str | None


class Count(NamedTuple):
    """One thing that is counted: what, when, and of which lead's traits."""

    metric: str
    at: datetime
    traits: Traits


@dataclass(frozen=True, slots=True)
class Lead:
    """The latest facts of one lead id, as they came (an alias keeps its own), and what follows from them."""

    lead_id: UUID
    source: str | None = None
    campaign: str | None = None
    captured_on: datetime | None = None
    version: int = 0
    first_owner: str | None = None
    """Capture's owner counts at capture only, so the lowest version speaks for it."""
    first_version: int | None = None
    revision: int = 0
    stage: str = START
    status: str = "new"
    owner: str | None = None
    contacted: bool = False
    first_qualified_on: datetime | None = None
    won_on: datetime | None = None
    meetings_told: int = 0
    """How many meetings the journey says were held."""
    created_told: datetime | None = None
    """When the journey says the lead was created: for leads whose capture has not come by yet."""
    created_revision: int = 0
    """The revision that said so: the highest one that says it at all."""
    changed_on: datetime | None = None
    entered_on: datetime | None = None
    counts: bool = False
    """Whether this row is counted: known since when, and no alias of another."""
    counted_on: datetime | None = None
    """Its creation, or an alias's where that was earlier."""
    counted_owner: str | None = None
    held_on: tuple[datetime, ...] = ()
    due_on: datetime | None = None
    erased: bool = False

    @property
    def stand(self) -> Stand:
        return Stand(self.revision, self.stage, self.entered_on)

    @property
    def created_on(self) -> datetime | None:
        return self.captured_on or self.created_told

    @property
    def stands_in(self) -> str | None:
        """The stage that it is counted to stand in; None for aliases and the erased."""
        return self.stage if self.counts and not self.erased else None

    @property
    def furthest(self) -> int:
        """The furthest of STEPS that it reached, as an index."""
        if self.won_on:
            return 4
        if self.held_on:
            return 3
        if self.first_qualified_on or self.status == "qualified":
            return 2
        return 1 if self.contacted else 0


def with_details(lead: Lead, event: LeadCaptured | LeadUpdated) -> Lead:
    """The row after capture has spoken: the greatest version wins, whatever the order."""
    if event.version > lead.version:
        lead = replace(
            lead, source=event.source, campaign=event.campaign, captured_on=event.created_on, version=event.version
        )
    if lead.first_version is None or event.version < lead.first_version:
        lead = replace(lead, first_owner=event.owner, first_version=event.version)
    return lead


def with_journey(lead: Lead, event: StageChanged) -> Lead:
    """The row after the stage service has spoken: the highest revision wins, whatever the order."""
    journey = event.journey
    if journey.created_on is not None and event.revision > lead.created_revision:
        lead = replace(lead, created_told=journey.created_on, created_revision=event.revision)
    if event.revision <= lead.revision:
        return lead
    return replace(
        lead,
        revision=event.revision,
        stage=event.to,
        status=event.status,
        owner=journey.owner,
        contacted=journey.contacted,
        first_qualified_on=journey.first_qualified_on,
        won_on=journey.won_on,
        meetings_told=max(0, journey.meetings_held),
        changed_on=event.occurred_at,
    )


def settled(lead: Lead, others: Iterable[Lead], alias: bool, calendar: Calendar) -> Lead:
    """The row with what follows from its facts and from those of its aliases.

    After a merge the earlier creation counts. A meeting that the journey counts and whose booking has not come by is
    taken as held when the journey last changed: for the event that says "the meeting passed" that is the very moment.
    """
    created = min((known.created_on for known in (lead, *others) if known.created_on), default=None)
    held = calendar.held_on
    unseen = lead.meetings_told - len(held)
    if unseen > 0 and lead.changed_on is not None:
        held = tuple(sorted([*held, *[lead.changed_on] * unseen]))
    return replace(
        lead,
        counts=created is not None and not alias,
        counted_on=created,
        counted_owner=lead.owner if lead.revision else lead.first_owner,
        held_on=held,
        due_on=calendar.due_on,
    )


def counted(lead: Lead) -> Counter[Count]:
    """All that this row adds to the counts of goals."""
    if not lead.counts or lead.counted_on is None:
        return Counter()
    traits = Traits(lead.source, lead.campaign, lead.counted_owner)
    found = [Count(REACHED[step], lead.counted_on, traits) for step in range(lead.furthest + 1)]
    if lead.status == "qualified":
        found.append(Count("qualified_created", lead.counted_on, traits))
    if lead.first_qualified_on:
        found.append(Count("first_qualified", lead.first_qualified_on, traits))
    if lead.won_on:
        found.append(Count("won", lead.won_on, traits))
    found.extend(Count("meetings_held", at, traits) for at in lead.held_on)
    return Counter(found)

"""The record of a lead id: its latest facts, and what is counted of it.

Capture's facts carry a version and the stage service's a revision; the greatest of each counts. So the order of
arrival, repetition and republishing make no difference, and no record is ever computed from differences in events.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.goals.rules import funnel
from services.goals.rules.meetings import Meetings
from services.goals.rules.moves import CurrentStage
from services.goals.rules.stages import START
from shared.events import LeadCaptured, LeadUpdated, StageChanged
from shared.text import clean

MOST_MEETINGS = 10_000
"""More meetings than a lead can have had: each is counted by itself, so a slip in their number must not be believed."""


@dataclass(frozen=True, slots=True)
class LeadRecord:
    """The latest facts of one lead id as they were received (an alias keeps its own), and what follows from them."""

    lead_id: UUID
    source: str | None = None
    campaign: str | None = None
    captured_on: datetime | None = None
    version: int = 0
    first_owner: str | None = None
    """Capture's owner counts at capture only, so it is that of the lowest version received."""
    first_version: int | None = None
    revision: int = 0
    stage: str = START
    status: str = "new"
    owner: str | None = None
    contacted: bool = False
    first_qualified_on: datetime | None = None
    won_on: datetime | None = None
    journey_meetings: int = 0
    """How many meetings were held according to the journey."""
    journey_created_on: datetime | None = None
    """The creation according to the journey: for leads whose capture was not received yet."""
    journey_created_revision: int = 0
    """The highest revision whose journey has a creation."""
    changed_on: datetime | None = None
    """When the journey last changed."""
    entered_on: datetime | None = None
    """Since when the lead is in its stage; None where a missing revision hides it."""
    is_counted: bool = False
    """Whether metrics count this lead id: its creation is known, and it is not an alias."""
    counted_on: datetime | None = None
    """The creation that counts: its own, or an alias's where that was earlier."""
    counted_owner: str | None = None
    held_on: tuple[datetime, ...] = ()
    """The ends of the meetings that were held."""
    due_on: datetime | None = None
    """When the next meeting passes."""
    erased: bool = False

    @property
    def current_stage(self) -> CurrentStage:
        return CurrentStage(self.revision, self.stage, self.entered_on)

    @property
    def created_on(self) -> datetime | None:
        return self.captured_on or self.journey_created_on

    @property
    def counted_stage(self) -> str | None:
        """The stage in which the pipeline report counts the lead; None for aliases and the erased."""
        return self.stage if self.is_counted and not self.erased else None

    @property
    def furthest_step(self) -> int:
        """The furthest step of the funnel that the lead reached, as an index in `funnel.STEPS`."""
        if self.won_on:
            return funnel.WON
        if self.held_on:
            return funnel.MEETING_HELD
        if self.first_qualified_on or self.status == "qualified":
            return funnel.QUALIFIED
        return funnel.CONTACTED if self.contacted else funnel.CAPTURED


def with_details(lead: LeadRecord, event: LeadCaptured | LeadUpdated) -> LeadRecord:
    """The record with capture's details, where their version is the greatest received so far."""
    if event.version > lead.version:
        lead = replace(
            lead, source=event.source, campaign=event.campaign, captured_on=event.created_on, version=event.version
        )
    if lead.first_version is None or event.version < lead.first_version:
        lead = replace(lead, first_owner=event.owner, first_version=event.version)
    return lead


def with_journey(lead: LeadRecord, event: StageChanged) -> LeadRecord:
    """The record with the stage service's journey, where its revision is the highest received so far."""
    journey = event.journey
    if journey.created_on is not None and event.revision > lead.journey_created_revision:
        lead = replace(lead, journey_created_on=journey.created_on, journey_created_revision=event.revision)
    if event.revision <= lead.revision:
        return lead
    return replace(
        lead,
        revision=event.revision,
        stage=event.to,
        status=event.status,
        owner=clean(journey.owner) or None,
        contacted=journey.contacted,
        first_qualified_on=journey.first_qualified_on,
        won_on=journey.won_on,
        journey_meetings=max(0, journey.meetings_held),
        changed_on=event.occurred_at,
    )


def with_counted_facts(
    lead: LeadRecord, others: Iterable[LeadRecord], *, is_alias: bool, meetings: Meetings
) -> LeadRecord:
    """The record with what is counted, from its facts, those of its aliases (`others`), and the meetings of all.

    After a merge the earlier creation counts. A meeting that the journey counts but whose booking was not received is
    taken as held when the journey last changed: the event for a passed meeting has that very time.
    """
    created = min((known.created_on for known in (lead, *others) if known.created_on), default=None)
    held = meetings.held_on
    without_booking = lead.journey_meetings - len(held)
    if without_booking > 0 and lead.changed_on is not None:
        held = tuple(sorted([*held, *[lead.changed_on] * without_booking]))
    return replace(
        lead,
        is_counted=created is not None and not is_alias,
        counted_on=created,
        counted_owner=lead.owner if lead.revision else lead.first_owner,
        held_on=held,
        due_on=meetings.due_on,
    )

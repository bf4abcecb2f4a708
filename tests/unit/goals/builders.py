"""Events as the goals service reads them, with defaults."""

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from shared.events import (
    Envelope,
    JourneySummary,
    LeadCaptured,
    LeadErased,
    LeadMerged,
    LeadUpdated,
    MeetingBooked,
    MeetingCancelled,
    Received,
    StageChanged,
)
from shared.ids import revision_id

START = datetime(2025, 3, 1, 9, tzinfo=UTC)
TENANT = "acme"
_numbers = count()


def lead_id(number: int) -> UUID:
    return UUID(int=number + 1)


def at(**parts: float) -> datetime:
    """The moment that is this long after START."""
    return START + timedelta(**parts)


def received(
    event, subject: UUID, time: datetime = START, *, id: str | None = None, tenant: str = TENANT, source="test"
):
    envelope = Envelope(id or f"e{next(_numbers)}", event.type, source, time, tenant, str(subject))
    return Received(envelope, event, time)


def captured(number=0, *, created=START, version=1, source="web", campaign=None, owner=None):
    lead = lead_id(number)
    event = LeadCaptured(
        lead_id=lead, source=source, created_on=created, version=version, campaign=campaign, owner=owner
    )
    return received(event, lead, created, id=revision_id("lead.captured", lead, version))


def updated(number=0, *, created=START, version=2, source="web", campaign=None, owner=None, time=START):
    lead = lead_id(number)
    event = LeadUpdated(
        lead_id=lead,
        source=source,
        created_on=created,
        version=version,
        campaign=campaign,
        owner=owner,
        changed=["campaign"],
    )
    return received(event, lead, time, id=revision_id("lead.updated", lead, version))


def moved(
    number=0,
    to="contacted",
    *,
    revision=1,
    origin="new",
    status=None,
    time=None,
    created=START,
    qualified=None,
    won=None,
    meetings=0,
    owner=None,
    corrects=(),
    cause=None,
):
    """A `stage.changed`: from `origin`, to `to`."""
    lead = lead_id(number)
    time = time or at(hours=revision)
    event = StageChanged(
        **{"from": origin},
        to=to,
        from_status=STATUS.get(origin, "new"),
        status=status or STATUS.get(to, "contacted"),
        rule="manual",
        actor="human:test",
        caused_by=cause,
        occurred_at=time,
        recorded_at=time,
        revision=revision,
        journey=JourneySummary(
            contacted=to != "new",
            first_qualified_on=qualified,
            won_on=won,
            meetings_held=meetings,
            owner=owner,
            created_on=created,
        ),
        corrects=[revision_id("stage.changed", lead, number) for number in corrects] or None,
    )
    return received(event, lead, time, id=revision_id("stage.changed", lead, revision))


def booked(number=0, meeting="m1", *, ends=None, time=START, id=None):
    ends = ends or at(days=1)
    event = MeetingBooked(meeting_id=meeting, starts_at=ends - timedelta(hours=1), ends_at=ends)
    return received(event, lead_id(number), time, id=id)


def cancelled(number=0, meeting="m1", *, time=START, id=None):
    return received(MeetingCancelled(meeting_id=meeting), lead_id(number), time, id=id)


def merged(kept=0, alias=1, *, version=1, undone=False, time=START):
    event = LeadMerged(
        lead_id=lead_id(kept), alias_id=lead_id(alias), merge_id=UUID(int=99), version=version, undone=undone
    )
    return received(event, lead_id(kept), time)


def erased(number=0, *, time=START):
    lead = lead_id(number)
    return received(LeadErased(lead_id=lead), lead, time, id=revision_id("lead.erased", lead, 1))


STATUS = {
    "new": "new",
    "contacted": "contacted",
    "engaged": "contacted",
    "nurture": "contacted",
    "exhausted": "contacted",
    "qualified": "qualified",
    "scheduled": "qualified",
    "meeting_completed": "qualified",
    "won": "converted",
    "lost": "disqualified",
    "dead": "disqualified",
}

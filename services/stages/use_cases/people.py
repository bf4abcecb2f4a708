"""What people do to a lead: move it, tick its checklist, book its meetings, give it to somebody, write a note.

What a person decides is later than all they saw: its time is the later of the clock and just after the lead's newest
signal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.stages.rules import CHECKLIST_TICK, DISQUALIFIED, MANUAL_MOVE, Stage, decided_at, why_no_manual_move
from services.stages.store import activities, leads
from services.stages.store.activities import Entry
from services.stages.store.leads import Standing
from services.stages.use_cases.judging import Judging
from shared.db import UnitOfWork
from shared.errors import Conflict, Invalid, LeadflowError, NotFound
from shared.events import Event, LeadAssigned, MeetingBooked, MeetingCancelled
from shared.http import Principal, check_if_match
from shared.ids import digest, uuid7


@dataclass(frozen=True, slots=True)
class Wish:
    """A move that a person asks for."""

    lead_id: UUID
    stage: Stage
    note: str | None = None
    disqualification_reason: str | None = None


async def move(work: UnitOfWork, who: Principal, wish: Wish, *, if_match: str | None = None) -> Standing:
    """Set a lead's stage by hand; the lead as it then stands. The same stage again changes nothing."""
    judging, standing = await _open(work, wish.lead_id)
    check_if_match(if_match, standing.revision)
    signal = _move_entry(work, who, standing, wish)
    if signal is not None:
        await _act(judging, [(standing, signal)])
        if standing.journey.stage is not wish.stage:
            raise Conflict(f"the move is void: {standing.journey.because}")
    return standing


async def move_many(work: UnitOfWork, who: Principal, wishes: Sequence[Wish]) -> list[LeadflowError | Standing]:
    """A result for each wish, in order; a lead named twice is moved once and refused the second time."""
    tenant = work.tenants[0]
    judging, now = await Judging.begin_resolved(work, [(tenant, wish.lead_id) for wish in wishes])
    results: list[LeadflowError | Standing] = []
    acts: list[tuple[Standing, Entry]] = []
    seen: set[UUID] = set()
    for wish in wishes:
        standing = judging.standings[tenant, now[tenant, wish.lead_id]]
        try:
            _require(standing, wish.lead_id)
            if standing.lead_id in seen:
                raise Conflict("the lead stands twice in this request")
            seen.add(standing.lead_id)
            entry = _move_entry(work, who, standing, wish)
            if entry is not None:
                acts.append((standing, entry))
            results.append(standing)
        except LeadflowError as refusal:
            results.append(refusal)
    for key in [key for key, standing in judging.standings.items() if not standing.known]:
        del judging.standings[key]
    await _act(judging, acts)
    return results


def _move_entry(work: UnitOfWork, who: Principal, standing: Standing, wish: Wish) -> Entry | None:
    journey = standing.journey
    if journey.stage is wish.stage:
        return None
    refusal = why_no_manual_move(journey.stage, journey.opted_out, wish.stage)
    if refusal is not None:
        raise Conflict(refusal)
    if wish.stage in DISQUALIFIED and not (wish.disqualification_reason or "").strip():
        raise Invalid(
            f"a lead that is moved to {wish.stage.value} needs a reason",
            [{"field": "disqualification_reason", "message": "say why the lead is disqualified"}],
        )
    data = {"to": wish.stage.value}
    if wish.note:
        data["note"] = wish.note
    if wish.disqualification_reason and wish.stage in DISQUALIFIED:
        data["disqualification_reason"] = wish.disqualification_reason
    return _entry(work, who, standing, MANUAL_MOVE, data, shown=False)


async def tick(
    work: UnitOfWork, who: Principal, lead_id: UUID, item: str, ticked: bool, evidence: str | None
) -> Standing:
    """Tick or untick an item of the checklist as it is now."""
    judging, standing = await _open(work, lead_id)
    settings = judging.histories[standing.tenant].at(work.now)
    found = next((each for each in settings.checklist if each.id == item), None)
    if found is None:
        raise NotFound(f"the checklist has no item {item!r}")
    if found.score_at_least is not None:
        raise Conflict(f"{item!r} follows the score by itself (at least {found.score_at_least})")
    data = {"item": item, "ticked": ticked} | ({"evidence": evidence} if evidence else {})
    await _act(judging, [(standing, _entry(work, who, standing, CHECKLIST_TICK, data))])
    return standing


async def book(
    work: UnitOfWork,
    who: Principal,
    lead_id: UUID,
    *,
    starts_at: datetime,
    ends_at: datetime,
    title: str | None,
    meeting_id: str | None,
) -> str:
    """Put a meeting on the calendar, or move the one of that id; its id."""
    judging, standing = await _open(work, lead_id)
    meeting_id = meeting_id or str(uuid7())
    event = MeetingBooked(meeting_id=meeting_id, starts_at=starts_at, ends_at=ends_at, title=title)
    data = {"meeting_id": meeting_id, "starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
    if title:
        data["title"] = title
    await _act(judging, [(standing, _entry(work, who, standing, event.type, data, says=event))])
    return meeting_id


async def cancel(work: UnitOfWork, who: Principal, lead_id: UUID, meeting_id: str) -> None:
    """Cancel a meeting; one that is cancelled already stays so."""
    judging, standing = await _open(work, lead_id)
    meeting = standing.journey.meetings.get(meeting_id)
    if meeting is None:
        raise NotFound(f"the lead has no meeting {meeting_id!r}")
    if meeting.state != "cancelled":
        event = MeetingCancelled(meeting_id=meeting_id)
        entry = _entry(work, who, standing, event.type, {"meeting_id": meeting_id}, says=event)
        await _act(judging, [(standing, entry)])


async def assign(work: UnitOfWork, who: Principal, lead_id: UUID, owner: str | None) -> Standing:
    """Give the lead to somebody, or to nobody."""
    judging, standing = await _open(work, lead_id)
    if standing.owner != owner:
        event = LeadAssigned(owner=owner, previous=standing.owner, actor=who.actor)
        data = {"owner": owner, "previous": standing.owner}
        await _act(judging, [(standing, _entry(work, who, standing, event.type, data, says=event))])
    return standing


async def note(work: UnitOfWork, who: Principal, lead_id: UUID, text: str) -> UUID:
    """Write a note into the timeline; its id."""
    judging, standing = await _open(work, lead_id)
    entry = _entry(work, who, standing, activities.NOTE, {"text": text}, folded=False)
    await _act(judging, [(standing, entry)])
    return entry.digest


async def _open(work: UnitOfWork, lead_id: UUID) -> tuple[Judging, Standing]:
    """The lead, locked; an alias answers as the lead that it stands for. Conflict when the person was erased."""
    asked = (work.tenants[0], lead_id)
    judging, now = await Judging.begin_resolved(work, [asked])
    standing = judging.standings[asked[0], now[asked]]
    _require(standing, lead_id)
    return judging, standing


def _require(standing: Standing, lead_id: UUID) -> None:
    if not standing.captured:
        raise NotFound(f"there is no lead {lead_id}")
    if standing.journey.erased:
        raise Conflict("the person was erased: the lead stays as it is")


def _entry(
    work: UnitOfWork,
    who: Principal,
    standing: Standing,
    type: str,
    data: Mapping[str, Any],
    *,
    folded: bool = True,
    shown: bool = True,
    says: Event | None = None,
) -> Entry:
    """What a person did, as an entry of the timeline and, when it `says` an event, as that event too."""
    at = decided_at(standing.journey, work.now)
    id = str(uuid7())
    if says is not None:
        work.emit(says, tenant=standing.tenant, subject=standing.lead_id, time=at, event_id=id)
    return Entry(
        tenant=standing.tenant,
        digest=digest(work.source, id),
        lead_id=standing.lead_id,
        type=type,
        event_id=id,
        source=work.source,
        occurred_at=at,
        recorded_at=work.now,
        actor=who.actor,
        data=data,
        folded=folded,
        shown=shown,
    )


async def _act(judging: Judging, acts: Sequence[tuple[Standing, Entry]]) -> None:
    for standing, entry in acts:
        standing.saw(entry.type, entry.occurred_at)
    await activities.add(judging.work, [entry for _, entry in acts])
    await judging.decide({standing.key: [entry.signal] for standing, entry in acts if entry.folded})


async def present(work: UnitOfWork, lead_id: UUID) -> Standing:
    """The lead as it stands, for reading."""
    standing = await leads.find(work, lead_id)
    if standing is None:
        raise NotFound(f"there is no lead {lead_id}")
    return standing

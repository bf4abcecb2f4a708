"""Events that arrive: each becomes an entry of its lead's timeline, and those that a rule reads are folded."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.stages.rules import READ_TYPES, Signal, signal_data
from services.stages.store import activities
from services.stages.store.activities import Entry
from services.stages.store.leads import CLOSED, OPEN, UNBORN, Standing
from services.stages.use_cases.judging import Judging
from shared.db import UnitOfWork
from shared.events import LeadCaptured, LeadErased, LeadMerged, LeadScored, LeadUpdated, Received, ReplyReceived
from shared.ids import LeadKey
from shared.store.aliases import aliases_of, apply_merge, resolve
from shared.store.erasure import erased_among, record_erasure

_SHOWN: dict[str, tuple[str, ...]] = {
    "lead.captured": ("source", "campaign"),
    "lead.updated": ("changed",),
    "lead.merged": ("lead_id", "alias_id", "merge_id", "undone"),
    "lead.enriched": ("providers",),
    "lead.scored": ("fit", "intent", "engagement", "total", "band", "model_version", "revision"),
    "engagement.recorded": ("kind", "page", "url"),
    "draft.created": ("draft_id", "kind", "channel", "sha256"),
    "draft.decided": ("draft_id", "decision", "sha256", "reason"),
    "message.sent": ("message_id", "draft_id", "channel", "kind", "sequence_id", "step"),
    "message.bounced": ("message_id", "channel", "severity", "code", "address_state"),
    "reply.received": ("confidence", "method", "message_id", "return_date", "excerpt"),
    "contact.opted_out": ("channel", "how"),
    "sequence.enrolled": ("sequence_id", "enrolment_id"),
    "sequence.exited": ("sequence_id", "enrolment_id", "reason"),
}
"""What the timeline shows of an event, besides what the rules read. Never a contact detail."""


async def take(work: UnitOfWork, batch: list[Received[Any]]) -> None:
    """Take a batch in: the first time, each event counts; the second time it changes nothing."""
    gone = await erased_among(work, {(r.tenant, r.lead_id) for r in batch})
    arrived: dict[tuple[str, UUID], Received[Any]] = {}
    for r in batch:
        if (r.tenant, r.lead_id) not in gone:
            arrived.setdefault((r.tenant, r.digest), r)
    received = list(arrived.values())
    if not received:
        return
    merges = [r for r in received if r.type == LeadMerged.type]
    left = await resolve(work, {(r.tenant, r.event.alias_id) for r in merges}) if merges else {}
    merged = [r for r in merges if await apply_merge(work, r)]
    parties = {(r.tenant, id) for r in merged for id in (r.lead_id, r.event.alias_id, left[r.tenant, r.event.alias_id])}
    judging, now = await Judging.begin_resolved(work, {(r.tenant, r.lead_id) for r in received}, parties)
    entries = {(r.tenant, r.digest): _entry(r) for r in received}
    await _hide_noise(work, received, entries, judging.standings, now)
    fresh = await activities.add(work, list(entries.values()))
    arrivals: dict[LeadKey, list[Signal]] = {}
    causes: dict[LeadKey, str] = {}
    for one in received:
        if (one.tenant, one.digest) not in fresh:
            continue
        key = (one.tenant, now[one.tenant, one.lead_id])
        judging.telling.heard[one.tenant, one.id] = one
        _learn(judging.standings[key], one)
        entry = entries[one.tenant, one.digest]
        if entry.folded:
            arrivals.setdefault(key, []).append(entry.signal)
            causes.setdefault(key, one.id)  # the oldest of them, which is what a fold anew is for
    for one in merged:
        _merge(judging.standings, one)
        touched = (one.lead_id, one.event.alias_id, left[one.tenant, one.event.alias_id])
        causes |= {(one.tenant, id): one.id for id in touched}
    await _date(work, judging.standings, parties)
    await judging.decide(arrivals, again=parties, causes=causes)
    for one in received:
        if one.type == LeadErased.type:
            await _erase(work, one)


def _entry(received: Received[Any]) -> Entry:
    raw: Mapping[str, Any] = received.raw
    type = received.type
    folded = type in READ_TYPES
    data = signal_data(type, raw) if folded else {}
    for name in _SHOWN.get(type, ()):
        if raw.get(name) is not None:
            data[name] = raw[name]
    if type == ReplyReceived.type:
        data["label"] = received.event.label  # a label that we do not know counts as `other`
    if type == "lead.enriched":
        data["facts"] = sorted(raw.get("facts") or ())
    return Entry(
        tenant=received.tenant,
        digest=received.digest,
        lead_id=received.lead_id,
        type=type,
        event_id=received.id,
        source=received.source,
        occurred_at=received.occurred_at,
        recorded_at=received.recorded_at,
        actor=raw.get("actor") if isinstance(raw.get("actor"), str) else _publisher(received.source),
        caused_by=received.envelope.causation_id,
        data=data,
        folded=folded,
    )


def _publisher(source: str) -> str:
    return f"system:{source.removeprefix('urn:leadflow:')}"


def _learn(standing: Standing, received: Received[Any]) -> None:
    """What the queue shows of an event."""
    standing.saw(received.type, received.occurred_at)
    learn = _LEARN.get(received.type)
    if learn is not None:
        learn(standing, received)


def _captured(standing: Standing, received: Received[LeadCaptured]) -> None:
    event = received.event
    if received.lead_id != standing.lead_id and standing.contact_version:
        return  # the details of an alias do not replace those of the lead it was merged into
    if event.version >= standing.contact_version:
        standing.contact_version = event.version
        standing.source, standing.campaign = event.source, event.campaign
        standing.name = _name(event)
        standing.company = event.company


def _updated(standing: Standing, received: Received[LeadUpdated]) -> None:
    event = received.event
    if received.lead_id == standing.lead_id and event.version > standing.contact_version:
        standing.contact_version = event.version
        standing.source, standing.campaign = event.source, event.campaign
        standing.name = _name(event)
        standing.company = event.company


def _name(event: LeadCaptured | LeadUpdated) -> str | None:
    return event.full_name or " ".join(part for part in (event.first_name, event.last_name) if part) or None


def _scored(standing: Standing, received: Received[LeadScored]) -> None:
    """The newest score counts: by revision, and by time where it has none."""
    event = received.event
    if event.revision is None:
        newer = standing.scored_at is None or received.occurred_at >= standing.scored_at
    else:
        newer = event.revision > standing.score_revision
    if newer and received.lead_id == standing.lead_id:
        standing.score_revision = event.revision or standing.score_revision
        standing.scored_at = received.occurred_at
        standing.score_total = event.total
        standing.band = event.band


def _draft_created(standing: Standing, received: Received[Any]) -> None:
    standing.drafts.setdefault(str(received.event.draft_id), OPEN)
    _keep_newest(standing)


def _draft_closed(standing: Standing, received: Received[Any]) -> None:
    standing.drafts[str(received.event.draft_id)] = CLOSED
    _keep_newest(standing)


def _keep_newest(standing: Standing) -> None:
    """The last drafts are enough to know whether one waits; an end that overtook its beginning is remembered."""
    for draft_id in list(standing.drafts)[:-20]:
        del standing.drafts[draft_id]


_LEARN: dict[str, Callable[[Standing, Received[Any]], None]] = {
    "lead.captured": _captured,
    "lead.updated": _updated,
    "lead.scored": _scored,
    "draft.created": _draft_created,
    "draft.decided": _draft_closed,
    "message.sent": _draft_closed,
}


def _merge(standings: dict[LeadKey, Standing], received: Received[LeadMerged]) -> None:
    """All parties are folded again: the kept lead from the signals of both, or, undone, each from its own; and the
    lead that the alias belonged to before, where that merge's undo comes later than this."""
    kept = standings[received.tenant, received.lead_id]
    alias = standings[received.tenant, received.event.alias_id]
    alias.merged_into = None if received.event.undone else kept.lead_id
    if alias.merged_into:
        alias.next_due = None


async def _date(work: UnitOfWork, standings: Mapping[LeadKey, Standing], merged: set[LeadKey]) -> None:
    """The last activity of leads that were merged or parted: of all that they stand for now."""
    if not merged:
        return
    names = {key: [key, *((key[0], id) for id in ids)] for key, ids in (await aliases_of(work, merged)).items()}
    last = await activities.last_active(work, {id for ids in names.values() for id in ids}, activities.ACTIVE)
    for key, ids in names.items():
        standings[key].last_activity_on = max((last[id] for id in ids if id in last), default=UNBORN)


async def _hide_noise(
    work: UnitOfWork,
    received: Sequence[Received[Any]],
    entries: Mapping[tuple[str, UUID], Entry],
    standings: Mapping[LeadKey, Standing],
    now: Mapping[LeadKey, UUID],
) -> None:
    """A score inside its band, and a second label of a reply, are read by the rules and shown to nobody."""
    bands: dict[LeadKey, str] = {}
    replies: dict[tuple[LeadKey, str], Entry] = {}
    for one in received:
        entry, lead = entries[one.tenant, one.digest], (one.tenant, one.lead_id)
        if one.type == LeadScored.type:
            entry.shown = bands.get(lead, standings[one.tenant, now[lead]].band) != one.event.band
            bands[lead] = one.event.band
        elif one.type == ReplyReceived.type:
            entry.shown = (lead, one.event.reply_id) not in replies
            replies.setdefault((lead, one.event.reply_id), entry)
    if replies:
        for reply in await activities.known_replies(work, replies):
            replies[reply].shown = False


async def _erase(work: UnitOfWork, received: Received[LeadErased]) -> None:
    await record_erasure(work, received.tenant, received.lead_id)
    await activities.strip_person(work, received.tenant, received.lead_id)
    await work.run(
        "UPDATE lead SET name = NULL, company = NULL, drafts = '{}' WHERE tenant_id = :tenant AND lead_id = :lead",
        tenant=received.tenant,
        lead=received.lead_id,
    )

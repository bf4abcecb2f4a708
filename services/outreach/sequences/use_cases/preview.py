"""What a lead will get, and what would happen to a made-up one: by the very rules that take the steps."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.outreach.drafts import store as drafts
from services.outreach.drafts.rules import LeadChannel
from services.outreach.drafts.use_cases.addressing import SenderAddresses, from_address
from services.outreach.rules import CHANNELS, zone_of, zone_of_lead
from services.outreach.schemas import OutreachSettings
from services.outreach.sending.rules import SendLimits
from services.outreach.sending.use_cases.limits import limits_of
from services.outreach.sequences.rules import (
    Calendar,
    Enrolment,
    Entry,
    Happening,
    LeadState,
    Step,
    once_sent,
    simulate,
    step_over,
)
from services.outreach.sequences.store import enrolments, sequences, steps
from services.outreach.sequences.store.sequences import StoredSequence
from services.outreach.sequences.use_cases import definitions, texts
from services.outreach.sequences.use_cases.conditions import approvals_of, calendar_of, conditions_of
from services.outreach.store import Lead, lead_of, settings_of
from shared.db import UnitOfWork
from shared.errors import NotFound
from shared.store.aliases import resolve


async def preview(
    work: UnitOfWork, sender: SenderAddresses, tenant: str, lead_id: UUID, sequence_id: UUID | None
) -> dict[str, Any]:
    """The steps that the lead will get, with times, channels and texts as they would be now.

    `sequence_id`: as if the lead were enrolled in that sequence now. Without it the enrolment that runs counts. Every
    draft is taken to be approved at once; while one waits, the times count from now. The windows, the spacing of the
    lead, and what its mailbox has sent today delay a step as they would delay its message.
    """
    kept = (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id]
    lead = await lead_of(work, tenant, kept)
    if lead is None or not lead.captured:
        raise NotFound("no such lead")
    settings = await settings_of(work, tenant)
    running = await enrolments.running_of(work, [(tenant, kept)])
    enrolment = running[0] if running else None
    items: list[dict[str, Any]] = []
    if sequence_id is not None:
        sequence = await definitions.get(work, tenant, sequence_id)
        progress = Enrolment("active", sequence.definition.first.number, work.now, lead.later_until)
    elif enrolment is not None:
        found = await sequences.get(work, tenant, enrolment.sequence_id, enrolment.version)
        assert found is not None, "a foreign key holds the version of an enrolment"
        sequence, progress = found, enrolment.progress()
        if enrolment.draft_id is not None and enrolment.step is not None:
            items.append(await _under_way(work, lead, sequence, enrolment.step, enrolment.draft_id))
            progress = step_over(sequence.definition, progress, work.now)
    else:
        return {"lead_id": kept, "enrolment_id": None, "sequence_id": None, "steps": [], "ends": None}
    state = await conditions_of(work, lead, settings, sequence)
    state = replace(state, limits=await _limits(work, sender, lead, settings))
    if items:
        state = replace(state, limits=once_sent(state, items[0]["channel"] or "email", items[0]["at"]))
    zone = zone_of(calendar_of(lead, settings, sequence.definition).zone)
    ends = None
    running_id = enrolment.enrolment_id if enrolment and sequence_id is None else None
    approved = {*await approvals_of(work, tenant, sequence, running_id)}
    if items:
        begun = sequence.definition.step(items[0]["step"])
        approved |= {each.number for each in sequence.definition.approved_with(begun)}

    def written(step: Step, channel: str, reviewed: bool) -> tuple[str | None, str | None, str | None]:
        return texts.preview_of(step, channel, reviewed, lead, settings, sender)

    story = simulate(
        sequence.definition, progress, state, work.now, approved=approved, fault=lambda *taken: written(*taken)[2]
    )
    for entry in story:
        if entry.step is None:
            ends = {"at": entry.at, "what": entry.what, "why": entry.why}
            continue
        item = _item(entry, zone)
        if entry.channel:
            subject, body, _ = written(entry.step, entry.channel, entry.reviewed)
            item |= {"subject": subject, "body": body}
        items.append(item)
    return {
        "lead_id": kept,
        "enrolment_id": running_id,
        "sequence_id": sequence.sequence_id,
        "steps": items,
        "ends": ends,
    }


async def _limits(
    work: UnitOfWork, sender: SenderAddresses, lead: Lead, settings: OutreachSettings
) -> dict[str, SendLimits]:
    """By channel what delays the next message to the lead, as far as it is known today."""
    return {
        channel: await limits_of(
            work, lead.tenant, lead.lead_id, settings, from_address(lead, settings, sender, channel), channel
        )
        for channel in CHANNELS
    }


def _item(entry: Entry, zone: Any) -> dict[str, Any]:
    step = entry.step
    return {
        "step": step.number if step else None,
        "at": entry.at,
        "local_time": entry.at.astimezone(zone).isoformat(),
        "channel": entry.channel,
        "subject": None,
        "body": None,
        "review": step.review if step else None,
        "what": entry.what,
        "why": entry.why,
    }


async def _under_way(
    work: UnitOfWork, lead: Lead, sequence: StoredSequence, number: int, draft_id: UUID
) -> dict[str, Any]:
    """The step that has been begun: its draft waits for a human, or its message waits to leave."""
    step = sequence.definition.step(number)
    state = await steps.under_way(work, lead.tenant, draft_id)
    draft = await drafts.get(work, lead.tenant, draft_id)
    if state.dispatch is not None:
        why = state.dispatch_reason or "its message leaves"
    elif draft is not None:
        why = "its draft waits for a human"
    else:
        why = "its draft is being written"
    at = max(state.leaves_at, work.now) if state.leaves_at else work.now
    zone = zone_of(calendar_of(lead, await settings_of(work, lead.tenant), sequence.definition).zone)
    return _item(Entry(at, "under_way", why, step, draft["channel"] if draft else None), zone) | {
        "subject": draft["subject"] if draft else None,
        "body": draft["body"] if draft else None,
        "draft_id": draft_id,
    }


def simulated(
    sequence: StoredSequence,
    lead: Mapping[str, Any],
    script: Sequence[Happening],
    starts_at: datetime,
    review_takes: timedelta,
    settings: OutreachSettings,
) -> list[dict[str, Any]]:
    """The story of a made-up lead in a sequence, with a script of events. Its templates are approved, as if it ran."""
    definition = sequence.definition
    zone = zone_of_lead(lead["timezone"], lead["country"], settings.timezone)
    channels = {
        channel: LeadChannel(channel, lead[field], "valid", lead["consent"].get(channel, "granted"), None)
        for channel, field in (("email", "email"), ("sms", "phone"))
    }
    windows = [definition.window] if definition.window else []
    windows += [settings.window.window()] if settings.window else []
    state = LeadState(lead["stage"], lead["mode"], channels, Calendar(zone, tuple(windows), definition.holidays))
    begun = Enrolment("active", definition.first.number, starts_at)
    made_up, sender = _made_up(lead), SenderAddresses("example.invalid", "+10000000000")

    def written(step: Step, channel: str, reviewed: bool) -> tuple[str | None, str | None, str | None]:
        return texts.preview_of(step, channel, reviewed, made_up, settings, sender)

    story = simulate(
        definition,
        begun,
        state,
        starts_at,
        script,
        review_takes,
        approved=[each.number for each in definition.steps if each.review == "template"],
        fault=lambda *taken: written(*taken)[2],
    )
    entries = []
    for entry in story:
        item = _item(entry, zone_of(zone)) | {"day": round((entry.at - starts_at) / timedelta(days=1), 3)}
        if entry.step is not None and entry.channel and entry.step.strategy is None:
            subject, body, _ = written(entry.step, entry.channel, entry.reviewed)
            item |= {"subject": subject, "body": body}
        entries.append(item)
    return entries


def _made_up(lead: Mapping[str, Any]) -> Lead:
    fields = {name: value for name, value in lead.items() if isinstance(value, str)}
    return Lead(
        tenant="simulation",
        lead_id=UUID(int=0),
        captured=True,
        email=lead["email"],
        phone=lead["phone"],
        email_hash=None,
        phone_hash=None,
        domain_hash=None,
        fields=fields,
        fields_at=None,
        consent={},
        facts={},
        stage=lead["stage"],
        stage_rule=None,
        met_at=None,
        later_until=None,
        score_total=0,
        mode=None,
        announced_mode="blended",
        opted_out=False,
        exhausted_at=None,
        merged_into=None,
    )

"""When every channel of a lead's mode is used up, the stages are told: `outreach.exhausted`."""

from datetime import datetime, timedelta
from uuid import UUID

from services.outreach.rules import MODES, consent_allows
from services.outreach.sending import store
from services.outreach.sending.rules import ChannelUse, exhausted, used_up
from services.outreach.store import Lead, family, last_word_at, lead_of, settings_of
from services.outreach.suppression import store as addresses
from services.outreach.suppression.rules import closes
from shared.db import UnitOfWork
from shared.events import OutreachExhausted

_LOOK_AGAIN = timedelta(days=1)


async def judge(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Say that the lead's channels are used up, or set when to look again."""
    lead = await lead_of(work, tenant, lead_id, lock=True)
    if lead is None or not lead.captured or lead.opted_out or lead.merged_into or lead.exhausted_at:
        await _due(work, tenant, lead_id, None)
        return
    if lead.stage not in ("new", "contacted"):
        await _due(work, tenant, lead_id, work.now + _LOOK_AGAIN)
        return
    settings = await settings_of(work, tenant)
    mode = lead.mode or settings.mode
    states = await addresses.states_of(work, lead)
    closed = await addresses.suppressions_of(work, lead)
    word = max(
        filter(None, (await last_word_at(work, tenant, await family(work, tenant, lead_id)), lead.met_at)), default=None
    )
    usable = [channel for channel in MODES[mode] if lead.address(channel) and states[channel] != "invalid"]
    done: set[str] = set()
    waits: list[datetime] = []
    really = False
    for channel in usable:
        hindered = consent_allows(channel, lead.consent_for(channel), settings.unknown_consent_allows)
        if hindered or closes(closed[channel], channel):
            done.add(channel)
            continue
        use = await _use(work, lead, channel, word)
        if used_up(use, word, settings.exhaust_after_messages, settings.exhaust_after_days, work.now):
            done.add(channel)
            really = True
        elif use.sent >= settings.exhaust_after_messages and use.last_sent_at:
            since = max(use.last_sent_at, word) if word else use.last_sent_at
            waits.append(since + timedelta(days=settings.exhaust_after_days))
    channels = exhausted(mode, usable, done)
    if channels and really:
        work.emit(OutreachExhausted(mode=mode, channels=channels), tenant=tenant, subject=lead_id)
        await work.run(
            "UPDATE lead SET exhausted_at = :now, exhaust_due = NULL WHERE tenant_id = :tenant AND lead_id = :lead",
            now=work.now,
            tenant=tenant,
            lead=lead_id,
        )
    else:
        await _due(work, tenant, lead_id, max(waits) if waits else None)


async def _use(work: UnitOfWork, lead: Lead, channel: str, word: datetime | None) -> ChannelUse:
    hash = lead.address_hash(channel)
    sent, last = await store.uses(work, lead.tenant, hash, word) if hash else (0, None)
    return ChannelUse(channel, sent, last)


async def _due(work: UnitOfWork, tenant: str, lead_id: UUID, due: datetime | None) -> None:
    await work.run(
        "UPDATE lead SET exhaust_due = :due WHERE tenant_id = :tenant AND lead_id = :lead",
        due=due,
        tenant=tenant,
        lead=lead_id,
    )

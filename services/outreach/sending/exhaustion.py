"""When every channel of a lead's mode is used up, the stages are told: `outreach.exhausted`.

Whether a channel is used up follows from what was sent; whether another is left, from mode, consent, addresses and
suppressions. Those change elsewhere: who changes the mode or closes a channel asks for a look at once; for all else a
lead with a used-up channel is looked at every day, whatever was told of it before.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.outreach.hooks import Closed
from services.outreach.rules import CHANNELS, MODES, consent_allows
from services.outreach.schemas import OutreachSettings
from services.outreach.sending import store
from services.outreach.sending.rules import ChannelUse, exhausted, used_up_at
from services.outreach.store import Lead, family, last_word_at, lead_of, settings_of
from services.outreach.suppression import store as addresses
from services.outreach.suppression.rules import closes
from shared.db import UnitOfWork
from shared.events import OutreachExhausted

_LOOK_AGAIN = timedelta(days=1)


async def used_up_from(work: UnitOfWork, lead: Lead, settings: OutreachSettings) -> dict[str, datetime]:
    """For each channel that enough was sent on: from when it is used up, unless the lead says a word before."""
    said = await last_word_at(work, lead.tenant, await family(work, lead.tenant, lead.lead_id))
    word = max(filter(None, (said, lead.met_at)), default=None)
    found = {}
    for channel in CHANNELS:
        hash = lead.address_hash(channel)
        sent, last = await store.uses(work, lead.tenant, hash, word) if hash else (0, None)
        at = used_up_at(
            ChannelUse(channel, sent, last), word, settings.exhaust_after_messages, settings.exhaust_after_days
        )
        if at:
            found[channel] = at
    return found


async def judge(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Say that the lead's channels are used up, and set when to look again."""
    lead = await lead_of(work, tenant, lead_id, lock=True)
    if lead is None or not lead.captured or lead.opted_out or lead.merged_into:
        await _due(work, tenant, lead_id, None)
        return
    if lead.exhausted_at or lead.stage not in ("new", "contacted"):
        await _due(work, tenant, lead_id, work.now + _LOOK_AGAIN)
        return
    settings = await settings_of(work, tenant)
    mode = lead.mode or settings.mode
    states = await addresses.states_of(work, lead)
    usable = [channel for channel in MODES[mode] if lead.address(channel) and states[channel] != "invalid"]
    from_when = await used_up_from(work, lead, settings)
    used = {channel for channel in usable if channel in from_when and from_when[channel] <= work.now}
    channels = exhausted(mode, usable, used | await _closed(work, lead, settings))
    if channels and used:
        work.emit(OutreachExhausted(mode=mode, channels=channels), tenant=tenant, subject=lead_id)
        await work.run(
            "UPDATE lead SET exhausted_at = :now WHERE tenant_id = :tenant AND lead_id = :lead",
            now=work.now,
            tenant=tenant,
            lead=lead_id,
        )
    looks = [at for at in from_when.values() if at > work.now]
    if len(looks) < len(from_when):
        looks.append(work.now + _LOOK_AGAIN)
    await _due(work, tenant, lead_id, min(looks, default=None))


async def _closed(work: UnitOfWork, lead: Lead, settings: OutreachSettings) -> set[str]:
    rows = await addresses.suppressions_of(work, lead)
    allowed = settings.unknown_consent_allows
    return {
        channel
        for channel in CHANNELS
        if consent_allows(channel, lead.consent_for(channel), allowed) or closes(rows[channel], channel)
    }


async def _due(work: UnitOfWork, tenant: str, lead_id: UUID, due: datetime | None) -> None:
    await work.run(
        "UPDATE lead SET exhaust_due = :due WHERE tenant_id = :tenant AND lead_id = :lead",
        due=due,
        tenant=tenant,
        lead=lead_id,
    )


async def look_now(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID]) -> None:
    """Judge these leads at once, as far as anything was sent to them, rather than at their next look."""
    await work.run(
        """
        UPDATE lead SET exhaust_due = :now
        WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND exhaust_due > :now
        """,
        now=work.now,
        tenant=tenant,
        leads=list(lead_ids),
    )


async def after_close(work: UnitOfWork, closed: Closed) -> None:
    """A channel of the lead is closed or dead: what is left may be used up."""
    await look_now(work, closed.tenant, [closed.lead_id])

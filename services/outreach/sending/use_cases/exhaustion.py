"""When every channel of a lead's mode is used up, `outreach.exhausted` is published.

Whether a channel is used up follows from the messages that were sent; whether another channel is left, from mode,
consent, addresses and suppressions. A changed mode or a closed channel has the lead checked soon; other changes are
found by the daily check of every lead that has a used-up channel. In a stage from which it moves nobody, a lead is not
checked; when it comes back, it is.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.outreach.hooks import ChannelClosed
from services.outreach.rules import CHANNELS, MODES, USED_UP_MOVES_FROM, consent_refusal
from services.outreach.schemas import OutreachSettings
from services.outreach.sending import store
from services.outreach.sending.rules import ChannelUse, exhausted, used_up_at
from services.outreach.store import Lead, last_reply_at, lead_ids_of, lead_of, settings_of
from services.outreach.suppression import store as addresses
from services.outreach.suppression.rules import suppression_refusal
from shared.db import UnitOfWork
from shared.events import OutreachExhausted

_CHECK_INTERVAL = timedelta(days=1)


async def used_up_from(work: UnitOfWork, lead: Lead, settings: OutreachSettings) -> dict[str, datetime]:
    """For each channel with enough messages: from when it is used up, unless the lead replies before."""
    reply_at = await last_reply_at(work, lead.tenant, await lead_ids_of(work, lead.tenant, lead.lead_id))
    contact_at = max(filter(None, (reply_at, lead.met_at, lead.taken_up_at)), default=None)
    found: dict[str, datetime] = {}
    for channel in CHANNELS:
        hash = lead.address_hash(channel)
        sent = await store.sent_since(work, lead.tenant, hash, contact_at) if hash else store.SentMessages(0, None)
        use = ChannelUse(channel, sent.count, sent.last_at, sent.sequence_done)
        at = used_up_at(use, contact_at, settings.exhaust_after_messages, settings.exhaust_after_days)
        if at:
            found[channel] = at
    return found


async def check_lead(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Publish `outreach.exhausted` if the lead's channels are used up now, and set the next check."""
    lead = await lead_of(work, tenant, lead_id, lock=True)
    if lead is None or not lead.captured or lead.opted_out or lead.merged_into or lead.stage not in USED_UP_MOVES_FROM:
        await store.set_next_check(work, tenant, lead_id, None)
        return
    if lead.exhausted_at and not lead.taken_up_at:
        await store.set_next_check(work, tenant, lead_id, work.now + _CHECK_INTERVAL)
        return
    settings = await settings_of(work, tenant)
    mode = lead.mode or settings.mode
    states = await addresses.address_states(work, lead)
    usable = [channel for channel in MODES[mode] if lead.address(channel) and states[channel] != "invalid"]
    used_up = await used_up_from(work, lead, settings)
    used = {channel for channel in usable if channel in used_up and used_up[channel] <= work.now}
    channels = exhausted(mode, usable, used | await _closed(work, lead, settings))
    if channels and used:
        work.emit(OutreachExhausted(mode=mode, channels=channels), tenant=tenant, subject=lead_id)
        await store.mark_exhausted(work, tenant, lead_id)
    checks = [at for at in used_up.values() if at > work.now]
    if len(checks) < len(used_up):
        checks.append(work.now + _CHECK_INTERVAL)
    await store.set_next_check(work, tenant, lead_id, min(checks, default=None))


async def _closed(work: UnitOfWork, lead: Lead, settings: OutreachSettings) -> set[str]:
    """Channels that consent or a suppression forbids."""
    suppressions = await addresses.suppressions_of(work, lead)
    allowed = settings.unknown_consent_allows
    return {
        channel
        for channel in CHANNELS
        if consent_refusal(channel, lead.consent_for(channel), allowed)
        or suppression_refusal(suppressions[channel], channel)
    }


async def check_soon(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID]) -> None:
    """Have the worker check these leads at once, as far as messages were sent to them."""
    await store.check_now(work, tenant, lead_ids)


async def check_on_channel_closed(work: UnitOfWork, closed: ChannelClosed) -> None:
    """A channel of the lead was closed: those that are left may all be used up."""
    await check_soon(work, closed.tenant, [closed.lead_id])

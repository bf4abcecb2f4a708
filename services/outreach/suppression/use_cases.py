"""Closing addresses: opt-outs of leads, suppressions by operators, bounces; and retracting an opt-out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.outreach import hooks
from services.outreach.keys import Keys
from services.outreach.rules import CHANNELS
from services.outreach.store import Lead, lead_ids_of, lead_of, leads_of
from services.outreach.suppression import store
from services.outreach.suppression.rules import BY_THE_LEAD, SOFT_WINDOW, Failure, address_state
from shared.db import Row, UnitOfWork
from shared.events import ContactOptedOut, Envelope, MessageBounced
from shared.ids import LeadKey, uuid7
from shared.store.aliases import resolve

PAGE = 500
"""Leads in one transaction while a blocklisted domain is worked through."""
_BY_OTHERS = {"operator": "an operator suppressed the address", "blocklist": "the lead is on the blocklist"}


@dataclass(frozen=True, slots=True)
class SuppressionRequest:
    """On which channel (email, sms, all) something is to be suppressed, how, by whom and why.

    `how` as in `contact.opted_out`: reply, stop_word, unsubscribe, operator, blocklist.
    """

    channel: str
    how: str
    actor: str
    reason: str | None = None
    reply_id: UUID | None = None

    def row(
        self,
        tenant: str,
        channel: str,
        *,
        address_hash: bytes | None = None,
        address: str | None = None,
        domain_hash: bytes | None = None,
        domain: str | None = None,
    ) -> store.NewSuppressionRow:
        """A row of the suppression list by this request, for one address or domain."""
        return store.NewSuppressionRow(
            tenant_id=tenant,
            suppression_id=uuid7(),
            channel=channel,
            how=self.how,
            actor=self.actor,
            reason=self.reason,
            reply_id=self.reply_id,
            address_hash=address_hash,
            address=address,
            domain_hash=domain_hash,
            domain=domain,
        )


async def opt_out_lead(
    work: UnitOfWork,
    lead: Lead,
    request: SuppressionRequest,
    *,
    also: tuple[str, bytes] | None = None,
    cause: Envelope | None = None,
) -> None:
    """The lead opts out: suppress its addresses, publish `contact.opted_out`, end its drafts.

    The request's channel `all` suppresses every known address. `also`: (channel, hash) of another address that the
    lead used. Other leads with one of these addresses are opted out too. An alias opts out under its own id: its kept
    lead counts as opted out until the merge is undone.
    """
    tenant = lead.tenant
    hashes = {(channel, hash) for channel in CHANNELS if (hash := lead.address_hash(channel))}
    closing: set[tuple[str, bytes]] = {(name, hash) for name, hash in hashes if request.channel in (name, "all")}
    if also:
        closing.add(also)
    await store.lock_addresses(work, [(tenant, channel, hash) for channel, hash in closing])
    present = await lead_of(work, tenant, lead.lead_id)
    if present is None:  # erased while its addresses were waited for
        for channel, hash in sorted(closing):
            await suppress_hash(work, tenant, replace(request, reason=None), channel, hash)
        return
    lead = present  # perhaps it was merged meanwhile
    added = False
    for channel, hash in sorted(closing):
        if await store.find_active(work, tenant, channel, hash, request.how, request.reply_id) is None:
            address = lead.address(channel) if hash == lead.address_hash(channel) else None
            await store.add(work, request.row(tenant, channel, address_hash=hash, address=address))
            added = True
    # An opt-out is published even when the lead has opted out before: the label of the earlier one may be corrected.
    if await store.mark_opted_out(work, tenant, [lead.lead_id], for_good=request.how != "reply") or added:
        reply = {"reply_id": str(request.reply_id)} if request.reply_id else {}
        event = ContactOptedOut(channel=request.channel, how=request.how, **reply)
        published = work.emit(event, tenant=tenant, subject=lead.lead_id, cause=cause)
        by_label = request.reply_id if request.how == "reply" else None
        await _notify_closed(
            work, tenant, lead.kept_id, "all", "the lead has opted out", published, by_label, lead.alias_id
        )
    ours = await lead_ids_of(work, tenant, lead.kept_id)
    for _, hash in sorted(closing):
        await opt_out_others(work, tenant, hash, besides=ours)


async def _notify_closed(
    work: UnitOfWork,
    tenant: str,
    lead_id: UUID,
    channel: str,
    reason: str,
    event: Envelope,
    reply_id: UUID | None = None,
    alias_id: UUID | None = None,
) -> None:
    closed = hooks.ChannelClosed(tenant, lead_id, channel, reason, event, reply_id, alias_id)
    await hooks.channel_closed.notify(work, closed)


async def suppress_hash(work: UnitOfWork, tenant: str, request: SuppressionRequest, channel: str, hash: bytes) -> None:
    """Suppress an address whose lead is not known (any more)."""
    await store.lock_addresses(work, [(tenant, channel, hash)])
    if await store.find_active(work, tenant, channel, hash, request.how, request.reply_id) is None:
        await store.add(work, request.row(tenant, channel, address_hash=hash))
    if request.how in BY_THE_LEAD:
        await opt_out_others(work, tenant, hash)


async def opt_out_others(work: UnitOfWork, tenant: str, hash: bytes, besides: Collection[UUID] = ()) -> None:
    """Opt out the other leads with the same address: it is the same person."""
    await publish_closed(work, tenant, await store.mark_all_with(work, tenant, hash, besides), "blocklist")


async def opt_out_blocklisted(
    work: UnitOfWork, leads: Mapping[LeadKey, Lead], causes: Mapping[LeadKey, Envelope]
) -> None:
    """Opt out those of the leads whose address is blocklisted, under the locks of their addresses."""
    for tenant, lead_id in sorted(await store.blocklisted_among(work, list(leads.values()))):
        await store.mark_opted_out(work, tenant, [lead_id])
        await publish_closed(work, tenant, [lead_id], "blocklist", cause=causes[tenant, lead_id])


async def publish_closed(
    work: UnitOfWork, tenant: str, leads: Sequence[UUID], how: str, channel: str = "all", cause: Envelope | None = None
) -> None:
    """Publish that others than these leads closed a channel to them, or (`all`) opted them out; end their drafts.

    They have been marked before. `how`: operator or blocklist.
    """
    kept = await resolve(work, [(tenant, lead_id) for lead_id in leads])
    for lead_id in leads:
        event = ContactOptedOut(channel=channel, how=how)
        published = work.emit(event, tenant=tenant, subject=lead_id, cause=cause)
        closed = kept[tenant, lead_id] if channel == "all" else lead_id
        alias_id = lead_id if lead_id != closed else None
        await _notify_closed(work, tenant, closed, channel, _BY_OTHERS[how], published, alias_id=alias_id)


async def suppress_address(
    work: UnitOfWork, keys: Keys, tenant: str, address: str, request: SuppressionRequest
) -> UUID:
    """An operator suppresses an address, on one channel or (`all`) for good; the id of the row."""
    hash = keys.address(tenant, address)
    used_on = "email" if "@" in address else "sms"
    await store.lock_addresses(work, [(tenant, used_on, hash)])
    known = await store.find_active(work, tenant, request.channel, hash, request.how)
    if known is not None:
        return UUID(str(known["suppression_id"]))
    row = request.row(tenant, request.channel, address_hash=hash, address=address)
    await store.add(work, row)
    leads = await store.leads_with(work, tenant, hash)
    if request.channel == "all":
        await store.mark_opted_out(work, tenant, leads)
    await publish_closed(work, tenant, leads, "operator", request.channel)
    return row.suppression_id


async def suppress_domain(
    work: UnitOfWork, keys: Keys, tenant: str, domain: str, actor: str, reason: str | None
) -> UUID:
    """An operator blocklists a mail domain; the id of the row. It holds at once; a worker opts its leads out."""
    hash = keys.domain(tenant, domain)
    await store.lock_domains(work, [(tenant, hash)], shared=False)
    known = await store.find_active(work, tenant, "all", hash, "blocklist")
    if known is not None:
        return UUID(str(known["suppression_id"]))
    row = SuppressionRequest("all", "blocklist", actor, reason).row(tenant, "all", domain_hash=hash, domain=domain)
    await store.add(work, row)
    await store.add_domain_job(work, tenant, row.suppression_id)
    return row.suppression_id


async def opt_out_domain_page(work: UnitOfWork, tenant: str, suppression_id: UUID) -> int:
    """Opt out one page of the leads of a blocklisted domain; how many, 0 while another worker does it."""
    job = await store.lock_domain_job(work, tenant, suppression_id)
    if job is None:
        return 0
    leads = await store.leads_with(work, tenant, job.domain_hash, after=job.after_lead, limit=PAGE)
    await publish_closed(work, tenant, await store.mark_opted_out(work, tenant, leads), "blocklist")
    if len(leads) < PAGE:
        await store.finish_domain_job(work, tenant, suppression_id)
    else:
        await store.advance_domain_job(work, tenant, suppression_id, leads[-1])
    return max(1, len(leads))


async def retract_opt_out(
    work: UnitOfWork, tenant: str, lead: Lead | None, reply_id: UUID, actor: str, note: str
) -> None:
    """The label `opt_out` of a reply was wrong: retract its suppressions, and the opt-out unless another one holds."""
    for row in await store.active_of_reply(work, tenant, reply_id):
        if row["address_hash"] is not None:
            await store.lock_addresses(work, [(tenant, row["channel"], bytes(row["address_hash"]))])
        await store.retract(work, tenant, row["suppression_id"], actor, note)
    if lead:
        await store.clear_opt_out(work, tenant, await lead_ids_of(work, tenant, lead.kept_id))


@dataclass(frozen=True, slots=True)
class Bounce:
    """A message that could not be delivered: which one, to which address of which lead."""

    tenant: str
    lead_id: UUID
    channel: str
    message_id: str
    address: str | None
    address_hash: bytes

    @classmethod
    def of_dispatch(cls, row: Row) -> "Bounce":
        """Of a dispatch, with the address that its content has (`to_address`)."""
        return cls(
            row["tenant_id"],
            row["lead_id"],
            row["channel"],
            row["message_id"] or "",
            row["to_address"],
            bytes(row["address_hash"]),
        )


async def record_bounce(work: UnitOfWork, bounce: Bounce, failure: Failure) -> None:
    """Save what a failure makes of the address, and publish `message.bounced`.

    An address that works no more works for none of the leads that have it: each of them gets the event.
    """
    key = (bounce.tenant, bounce.channel, bounce.address_hash)
    locked = (await store.lock_addresses(work, [key]))[key]
    state = locked.state
    if failure.severity is not None and state != "invalid":
        state = address_state(bounce.channel, failure, locked.soft_failures, work.now)
        softs = [at for at in locked.soft_failures if work.now - at < SOFT_WINDOW]
        await store.save_state(work, key, state, [*softs, work.now] if failure.severity == "soft" else softs)
    closes = state == "invalid" and locked.state != "invalid"
    holders = await store.leads_with(work, bounce.tenant, bounce.address_hash) if closes else []
    published: dict[LeadKey, Envelope] = {}
    for lead_id in (bounce.lead_id, *(each for each in holders if each != bounce.lead_id)):
        event = _bounced(bounce, failure, state)
        published[bounce.tenant, lead_id] = work.emit(event, tenant=bounce.tenant, subject=lead_id)
    if not closes:
        return
    kept = await resolve(work, published)
    leads = await leads_of(work, [(tenant, kept[tenant, lead_id]) for tenant, lead_id in published])
    for key, envelope in published.items():
        lead = leads.get((bounce.tenant, kept[key]))
        if lead is not None and lead.address_hash(bounce.channel) == bounce.address_hash:
            why = f"the {bounce.channel} address does not work"
            await _notify_closed(work, bounce.tenant, lead.lead_id, bounce.channel, why, envelope)


def _bounced(bounce: Bounce, failure: Failure, state: str) -> MessageBounced:
    return MessageBounced(
        message_id=bounce.message_id,
        channel=bounce.channel,
        severity=failure.severity or "soft",
        code=failure.code or None,
        detail=failure.detail[:500] or None,
        address=bounce.address,
        address_state=state,
    )


async def record_delivery(work: UnitOfWork, tenant: str, channel: str, address_hash: bytes) -> None:
    """A provider reports that a message was delivered: soft failures before it do not count any more."""
    key = (tenant, channel, address_hash)
    locked = (await store.lock_addresses(work, [key]))[key]
    if locked.state == "soft":
        await store.save_state(work, key, "valid", [])

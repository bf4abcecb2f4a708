"""Closing addresses: what the lead did, what an operator decided, what the network said."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.outreach import hooks
from services.outreach.keys import Keys
from services.outreach.store import Lead, family, lead_of
from services.outreach.suppression import store
from services.outreach.suppression.rules import BY_THE_LEAD, SOFT_WINDOW, Failure, address_state
from shared.db import UnitOfWork
from shared.events import ContactOptedOut, Envelope, MessageBounced
from shared.ids import uuid7
from shared.store.aliases import resolve


@dataclass(frozen=True, slots=True)
class Wish:
    """Who closes what, and how. `address` or `domain` only where an operator names it."""

    channel: str
    how: str
    actor: str
    reason: str | None = None
    reply_id: UUID | None = None


def _row(wish: Wish, channel: str, **where: Any) -> dict[str, Any]:
    return {
        "suppression_id": uuid7(),
        "channel": channel,
        "address_hash": None,
        "domain_hash": None,
        "address": None,
        "domain": None,
        "how": wish.how,
        "reason": wish.reason,
        "actor": wish.actor,
        "reply_id": wish.reply_id,
    } | where


async def opt_out_lead(
    work: UnitOfWork, lead: Lead, wish: Wish, *, also: tuple[str, bytes] | None = None, cause: Envelope | None = None
) -> None:
    """The lead itself wants silence: close its addresses, tell the stages, end what waits for review.

    `wish.channel` `all` closes every known address. `also` is (channel, hash) of an address that it used besides.
    """
    hashes = {(channel, hash) for channel in ("email", "sms") if (hash := lead.address_hash(channel))}
    closing = {(channel, hash) for channel, hash in hashes if wish.channel in (channel, "all")}
    if also:
        closing.add(also)
    await store.lock_addresses(work, [(lead.tenant, channel, hash) for channel, hash in closing])
    added = False
    for channel, hash in sorted(closing):
        if await store.active_row(work, lead.tenant, channel, hash, wish.how, wish.reply_id) is None:
            address = lead.address(channel) if hash == lead.address_hash(channel) else None
            await store.add(work, lead.tenant, _row(wish, channel, address_hash=hash, address=address))
            added = True
    # Told though the lead is closed already: the stages have to know of each opt-out, for one of them may be mended.
    if await store.mark_opted_out(work, lead.tenant, [lead.lead_id], for_good=wish.how != "reply") or added:
        event = ContactOptedOut(channel=wish.channel, how=wish.how, **_reply(wish))
        work.emit(event, tenant=lead.tenant, subject=lead.lead_id, cause=cause)
        await hooks.closed.ring(work, hooks.Closed(lead.tenant, lead.lead_id, "all", "the lead has opted out"))
    ours = await family(work, lead.tenant, lead.lead_id)
    for _, hash in sorted(closing):
        await blocklist_others(work, lead.tenant, hash, besides=ours)


def _reply(wish: Wish) -> dict[str, str]:
    return {"reply_id": str(wish.reply_id)} if wish.reply_id else {}


async def close_address(work: UnitOfWork, tenant: str, wish: Wish, channel: str, hash: bytes) -> None:
    """An address of nobody we know (any more) wants silence."""
    await store.lock_addresses(work, [(tenant, channel, hash)])
    if await store.active_row(work, tenant, channel, hash, wish.how, wish.reply_id) is None:
        await store.add(work, tenant, _row(wish, channel, address_hash=hash))
    if wish.how in BY_THE_LEAD:
        await blocklist_others(work, tenant, hash)


async def blocklist_others(work: UnitOfWork, tenant: str, hash: bytes, besides: Collection[UUID] = ()) -> None:
    """Other leads with the same address are closed too: the person is the same."""
    others = [lead_id for lead_id in await store.leads_with(work, tenant, hash) if lead_id not in besides]
    for lead_id in await store.mark_opted_out(work, tenant, others):
        await blocklisted(work, tenant, lead_id)


async def blocklisted(work: UnitOfWork, tenant: str, lead_id: UUID, cause: Envelope | None = None) -> None:
    """Say that a lead flagged just now is closed by the blocklist."""
    work.emit(ContactOptedOut(channel="all", how="blocklist"), tenant=tenant, subject=lead_id, cause=cause)
    kept = (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id]
    await hooks.closed.ring(work, hooks.Closed(tenant, kept, "all", "the lead is on the blocklist"))


async def suppress_address(work: UnitOfWork, keys: Keys, tenant: str, address: str, wish: Wish) -> UUID:
    """An operator closes an address, on one channel or (`all`) for good; the row's id."""
    hash = keys.address(tenant, address)
    used_on = "email" if "@" in address else "sms"
    await store.lock_addresses(work, [(tenant, used_on, hash)])
    known = await store.active_row(work, tenant, wish.channel, hash, wish.how)
    if known is not None:
        return UUID(str(known["suppression_id"]))
    row = _row(wish, wish.channel, address_hash=hash, address=address)
    await store.add(work, tenant, row)
    leads = await store.leads_with(work, tenant, hash)
    if wish.channel == "all":
        await store.mark_opted_out(work, tenant, leads)
    kept = await resolve(work, [(tenant, lead_id) for lead_id in leads])
    for lead_id in leads:
        work.emit(ContactOptedOut(channel=wish.channel, how="operator"), tenant=tenant, subject=lead_id)
        closed = kept[tenant, lead_id] if wish.channel == "all" else lead_id
        await hooks.closed.ring(work, hooks.Closed(tenant, closed, wish.channel, "an operator suppressed the address"))
    return UUID(str(row["suppression_id"]))


async def suppress_domain(work: UnitOfWork, keys: Keys, tenant: str, domain: str, wish: Wish) -> UUID:
    """An operator blocklists a mail domain. It holds at once; the leads are told by a worker, page by page."""
    hash = keys.domain(tenant, domain)
    await store.lock_domains(work, [(tenant, hash)], shared=False)
    known = await store.active_row(work, tenant, "all", hash, "blocklist")
    if known is not None:
        return UUID(str(known["suppression_id"]))
    row = _row(wish, "all", domain_hash=hash, domain=domain, how="blocklist")
    await store.add(work, tenant, row)
    await work.run(
        "INSERT INTO domain_job (tenant_id, suppression_id) VALUES (:tenant, :id)",
        tenant=tenant,
        id=row["suppression_id"],
    )
    return UUID(str(row["suppression_id"]))


async def retract_reply(
    work: UnitOfWork, tenant: str, lead_id: UUID | None, reply_id: UUID, actor: str, note: str
) -> None:
    """A wrong label `opt_out` is mended: what it closed is open again, unless something else closes it too."""
    for row in await store.of_reply(work, tenant, reply_id):
        if row["address_hash"] is not None:
            await store.lock_addresses(work, [(tenant, row["channel"], bytes(row["address_hash"]))])
        await store.retract(work, tenant, row["suppression_id"], actor, note)
    if lead_id:
        await store.open_again(work, tenant, await family(work, tenant, lead_id))


@dataclass(frozen=True, slots=True)
class Bounced:
    """A message that came back: which, to which address of which lead."""

    tenant: str
    lead_id: UUID
    channel: str
    message_id: str
    address: str | None
    address_hash: bytes


async def bounced(work: UnitOfWork, what: Bounced, failure: Failure, cause: Envelope | None = None) -> str:
    """Judge the address by a failure and publish it; the state of the address afterwards."""
    key = (what.tenant, what.channel, what.address_hash)
    locked = (await store.lock_addresses(work, [key]))[key]
    state = locked.state
    if failure.severity is not None and state != "invalid":
        state = address_state(what.channel, failure, locked.soft_failures, work.now)
        softs = [at for at in locked.soft_failures if work.now - at < SOFT_WINDOW]
        await store.save_state(work, key, state, [*softs, work.now] if failure.severity == "soft" else softs)
    subject = (await resolve(work, [(what.tenant, what.lead_id)]))[what.tenant, what.lead_id]
    work.emit(
        MessageBounced(
            message_id=what.message_id,
            channel=what.channel,
            severity=failure.severity or "soft",
            code=failure.code or None,
            detail=failure.detail[:500] or None,
            address=what.address,
            address_state=state,
        ),
        tenant=what.tenant,
        subject=subject,
        cause=cause,
    )
    lead = await lead_of(work, what.tenant, subject)
    in_use = lead is not None and lead.address_hash(what.channel) == what.address_hash
    if state == "invalid" and locked.state != "invalid" and in_use:
        await hooks.closed.ring(
            work, hooks.Closed(what.tenant, subject, what.channel, f"the {what.channel} address does not work")
        )
    return state


async def delivered(work: UnitOfWork, tenant: str, channel: str, address_hash: bytes) -> None:
    """A provider says that a message arrived: soft failures before it no longer count."""
    key = (tenant, channel, address_hash)
    locked = (await store.lock_addresses(work, [key]))[key]
    if locked.state == "soft":
        await store.save_state(work, key, "valid", [])

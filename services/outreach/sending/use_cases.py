"""One dispatch: claim it, then settle what its attempt came to. Between the two the message leaves."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.outreach import hooks
from services.outreach.keys import Keys, Unsubscribe, sms_reference
from services.outreach.keys import message_id as message_id_of
from services.outreach.schemas import OutreachSettings
from services.outreach.sending import store
from services.outreach.sending.message import Message, on_the_wire
from services.outreach.sending.rules import SPACING, Facts, Go, Outcome, Refuse, Wait, decide, retry_at
from services.outreach.store import Lead, family, hold_family, last_word_at, lead_of, settings_of
from services.outreach.suppression import store as addresses
from services.outreach.suppression.rules import OPT_OUT_SMS, closes, mail_failure, sms_failure
from services.outreach.suppression.use_cases import Bounced, Wish, bounced, opt_out_lead
from shared.db import UnitOfWork
from shared.errors import Conflict, NotFound
from shared.events import Envelope, MessageSent
from shared.ids import derived_id
from shared.store.aliases import resolve


@dataclass(frozen=True, slots=True)
class Attempt:
    """A dispatch that is `sending`: stored, committed, and now to be handed over exactly once."""

    tenant: str
    dispatch_id: UUID
    message: Message
    message_id: str
    at: datetime
    unsubscribe_token: str


async def claim(work: UnitOfWork, keys: Keys, due: RowMapping, lease: timedelta) -> Attempt | None:
    """Check everything again, under the lock of the address row, and store `sending`; None when it may not leave now.

    Every opt-out, suppression, consent or address change takes the same lock: after one of them has been committed,
    nothing to that address gets past here. An opt-out on the other channel has another address; it changes the lead's
    row, which is held last.
    """
    tenant = due["tenant_id"]
    key = (tenant, due["channel"], bytes(due["address_hash"]))
    locked = (await addresses.lock_addresses(work, [key]))[key]
    lead = await lead_of(work, tenant, due["lead_id"])
    if lead and lead.domain_hash:
        await addresses.lock_domains(work, [(tenant, lead.domain_hash)], shared=True)
    row = await store.lock_due(work, tenant, due["dispatch_id"])
    if row is None:
        return None
    settings = await settings_of(work, tenant)
    use = await store.lock_mailbox(work, tenant, row["mailbox"])
    await hold_family(work, tenant, due["lead_id"])
    lead = await lead_of(work, tenant, due["lead_id"])
    match decide(await _facts(work, row, lead, locked.state, settings, use), work.now):
        case Refuse(reason):
            await store.change(work, row, "refused", reason=reason)
            return None
        case Wait(until, reason):
            if reason == SPACING:
                until = await _turn(work, row, until, settings)
            await store.change(work, row, "queued", reason=reason, due_at=until)
            return None
        case Go():
            pass
    message = Message(
        row["channel"], row["from_address"], row["to_address"], row["subject"], row["body"], dict(row["headers"])
    )
    if message.canonical() != row["canonical"] or message.sha256 != row["sha256"]:
        await store.change(work, row, "refused", reason="the text is not what was approved")
        return None
    message_id = row["message_id"] or _message_id(row)
    await store.begin(work, row, message_id, lease)
    await store.count_mailbox(work, tenant, row["mailbox"], use.sent_today)
    token = keys.unsubscribe_token(Unsubscribe(tenant, row["lead_id"], row["channel"], key[2]))
    return Attempt(tenant, row["dispatch_id"], message, message_id, work.now, token)


def _message_id(row: RowMapping) -> str:
    """What the message is known by; a provider of SMS may give it another id once it has taken it."""
    if row["channel"] == "sms":
        return sms_reference(row["dispatch_id"])
    return message_id_of(row["dispatch_id"], on_the_wire(row["mailbox"]).rpartition("@")[2])


async def _turn(work: UnitOfWork, row: RowMapping, until: datetime, settings: OutreachSettings) -> datetime:
    """Those whom spacing holds back are given turns, so that they do not all come back at once. Who waits for
    something else (a window, a back-off) takes nobody's turn."""
    last = await store.last_turn(work, row["tenant_id"], row["mailbox"], SPACING)
    return max(until, last + _limits(settings, row)[1]) if last else until


def _limits(settings: OutreachSettings, row: RowMapping) -> tuple[int | None, timedelta]:
    for mailbox in settings.mailboxes:
        if mailbox.from_ == row["mailbox"]:
            return mailbox.per_day, timedelta(seconds=mailbox.spacing_seconds)
    return (500 if row["channel"] == "email" else None), timedelta(0)


async def _facts(
    work: UnitOfWork,
    row: RowMapping,
    lead: Lead | None,
    address_state: str,
    settings: OutreachSettings,
    use: store.MailboxUse,
) -> Facts:
    channel = row["channel"]
    known = lead is not None and lead.captured
    per_day, spacing = _limits(settings, row)
    closed = closes((await addresses.suppressions_of(work, lead))[channel], channel) if lead else None
    word = await last_word_at(work, row["tenant_id"], await family(work, row["tenant_id"], row["lead_id"]))
    tomorrow = datetime.combine(work.now.date() + timedelta(days=1), time(0), UTC)
    return Facts(
        channel=channel,
        kind=row["kind"],
        to=row["to_address"],
        cause_at=row["cause_at"],
        lead_known=known,
        address=lead.address(channel) if lead else None,
        address_state=address_state,
        suppressed=closed,
        opted_out=bool(lead and lead.opted_out),
        merged=bool(lead and lead.merged_into),
        consent=lead.consent_for(channel) if lead else "unknown",
        unknown_allows=tuple(settings.unknown_consent_allows),
        mode=(lead.mode if lead else None) or settings.mode,
        stage=lead.stage if lead else "new",
        stage_rule=lead.stage_rule if lead else None,
        last_word_at=word,
        timezone=lead.timezone if lead else None,
        window=settings.window.window() if settings.window else None,
        sent_today=use.sent_today,
        per_day=per_day,
        day_ends=tomorrow,
        last_sent_at=use.last_at,
        spacing=spacing,
    )


async def settle(work: UnitOfWork, tenant: str, dispatch_id: UUID, outcome: Outcome) -> None:
    """Record what an attempt came to. A late answer still settles what was given up as unknown; nothing is repeated."""
    row = await store.lock(work, tenant, dispatch_id)
    if row is None:
        return
    if row["state"] == "unknown" and outcome.state in ("sent", "failed"):
        await _settled(work, row, outcome)
    elif row["state"] == "sending":
        again = retry_at(row["attempts"], row["first_tried_at"], work.now) if outcome.state == "queued" else None
        if outcome.state == "queued" and again:
            await store.change(work, row, "queued", reason=outcome.reason, due_at=again, lease_until=None)
        elif outcome.state == "queued":
            await store.change(
                work, row, "failed", reason=f"given up after 48 hours: {outcome.reason}", lease_until=None
            )
        elif outcome.state == "unknown":
            await store.change(work, row, "unknown", reason=outcome.reason, lease_until=None)
        else:
            await _settled(work, row, outcome)


async def _settled(work: UnitOfWork, row: RowMapping, outcome: Outcome) -> None:
    if outcome.state == "sent":
        await sent(work, row, provider_id=outcome.provider_id)
        return
    await store.change(work, row, "failed", reason=outcome.reason, lease_until=None)
    if outcome.blames_address:
        await blame(work, row, outcome.code, outcome.reason)


async def blame(work: UnitOfWork, row: RowMapping, code: str, detail: str, cause: Envelope | None = None) -> None:
    """A failure that speaks of the address: its state, `message.bounced`, and the opt-out that a carrier may report.

    A provider's other codes (filtered, a trial account) say nothing of the number, and nothing is published.
    """
    tenant, channel = row["tenant_id"], row["channel"]
    if channel == "sms" and code == OPT_OUT_SMS:
        lead = await lead_of(work, tenant, row["lead_id"])
        if lead:
            wish = Wish("sms", "stop_word", "system:sms-provider", "the carrier says that the number has opted out")
            await opt_out_lead(work, lead, wish, also=("sms", bytes(row["address_hash"])))
        return
    failure = mail_failure(code, detail) if channel == "email" else sms_failure(code)
    if channel == "sms" and failure.severity is None:
        return
    what = Bounced(
        tenant, row["lead_id"], channel, row["message_id"] or "", row["to_address"], bytes(row["address_hash"])
    )
    await bounced(work, what, failure, cause)


async def sent(work: UnitOfWork, row: RowMapping, *, provider_id: str | None = None, **columns: Any) -> None:
    """The message left: the state, and `message.sent`, whose id follows from the dispatch."""
    tenant, lead_id = row["tenant_id"], row["lead_id"]
    at = row["sending_at"] or work.now
    message_id = (provider_id if row["channel"] == "sms" else None) or row["message_id"]
    lead = await lead_of(work, tenant, lead_id)
    if lead and lead.opted_out:
        columns["crossed"] = True
    await store.change(
        work,
        row,
        "sent",
        reason=None,
        sent_at=at,
        lease_until=None,
        message_id=message_id,
        provider_id=provider_id,
        **columns,
    )
    work.emit(
        MessageSent(message_id=message_id, draft_id=row["draft_id"], channel=row["channel"], kind=row["kind"]),
        tenant=tenant,
        subject=(await resolve(work, [(tenant, lead_id)]))[tenant, lead_id],
        time=at,
        event_id=str(derived_id("message.sent", tenant, row["dispatch_id"])),
    )
    if row["kind"] != "nurture":
        settings = await settings_of(work, tenant)
        await work.run(
            "UPDATE lead SET exhaust_due = least(exhaust_due, :due) WHERE tenant_id = :tenant AND lead_id = :lead",
            due=work.now + timedelta(days=settings.exhaust_after_days),
            tenant=tenant,
            lead=lead_id,
        )


async def take_evidence(work: UnitOfWork, evidence: hooks.Evidence) -> None:
    """Proof that a message of unknown outcome did leave."""
    row = await store.lock(work, evidence.tenant, evidence.dispatch_id)
    if row is not None and row["state"] in ("unknown", "sending"):
        await sent(work, row, note=f"known by {evidence.what}")


async def give_up_lease(work: UnitOfWork, tenant: str, dispatch_id: UUID) -> None:
    """A lease ran out in `sending`: whoever held it may have died before or after the message left."""
    row = await store.lock(work, tenant, dispatch_id)
    if row is not None and row["state"] == "sending":
        reason = "the sender did not come back; the message may have left"
        await store.change(work, row, "unknown", reason=reason, lease_until=None)


async def resolve_unknown(
    work: UnitOfWork, tenant: str, dispatch_id: UUID, outcome: str, note: str, actor: str
) -> RowMapping:
    """An operator says what became of a message of unknown outcome (`sent` or `failed`)."""
    row = await store.lock(work, tenant, dispatch_id)
    if row is None:
        raise NotFound("no such dispatch")
    if row["state"] != "unknown":
        raise Conflict(f"the dispatch is {row['state']}; only one of unknown outcome can be resolved")
    if outcome == "sent":
        await sent(work, row, note=note, resolved_by=actor)
    else:
        await store.change(
            work, row, "failed", reason="an operator found that it was not sent", note=note, resolved_by=actor
        )
    again = await store.lock(work, tenant, dispatch_id)
    assert again is not None
    return again

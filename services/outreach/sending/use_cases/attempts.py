"""Leasing one due dispatch for an attempt: everything is checked again, then `sending` is stored and committed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.outreach.address_forms import ascii_domain, on_the_wire
from services.outreach.keys import Keys, Unsubscribe, sms_reference
from services.outreach.keys import message_id as message_id_of
from services.outreach.rules import CHANNELS, Window, stage_for
from services.outreach.schemas import OutreachSettings
from services.outreach.sending import store
from services.outreach.sending.message import Message
from services.outreach.sending.rules import (
    LEAD_SPACING,
    SPACING,
    Go,
    Refuse,
    SendConditions,
    Wait,
    decide,
    end_of_day,
    is_own_domain,
)
from services.outreach.sending.templates import ApprovedTemplate, fill_in
from services.outreach.sending.use_cases.limits import caps_of
from services.outreach.settings import Settings
from services.outreach.store import (
    Lead,
    last_reply_at,
    lead_ids_of,
    lead_of,
    lock_leads_shared,
    settings_of,
    zone_name,
)
from services.outreach.suppression import store as addresses
from services.outreach.suppression.rules import suppression_refusal
from services.outreach.use_cases.answers import answer_refused
from shared.db import Row, UnitOfWork
from shared.errors import Invalid


@dataclass(frozen=True, slots=True)
class Attempt:
    """A dispatch that is `sending`: stored and committed, and now to be handed over exactly once."""

    tenant: str
    dispatch_id: UUID
    message: Message
    message_id: str
    at: datetime
    unsubscribe_token: str


async def lease_dispatch(
    work: UnitOfWork, keys: Keys, deployment: Settings, due: Row, lease: timedelta
) -> Attempt | None:
    """Check everything under the lock of the address row and store `sending`; None when it may not be sent now.

    Every opt-out, suppression, consent change or address change locks the same row: after one of them has committed,
    no dispatch to that address passes these checks. An opt-out on the other channel locks another address, but it
    changes the lead's row, which is locked here last. The lead's other address is locked too: of two messages to one
    lead, on whatever channels, the second sees the first one's state.
    """
    tenant = due["tenant_id"]
    key = (tenant, due["channel"], bytes(due["address_hash"]))
    lead = await lead_of(work, tenant, due["lead_id"])
    locked = (await addresses.lock_addresses(work, [key, *_addresses_of(lead)]))[key]
    lead = await lead_of(work, tenant, due["lead_id"])
    if lead and lead.domain_hash:
        await addresses.lock_domains(work, [(tenant, lead.domain_hash)], shared=True)
    row = await store.lock_due(work, tenant, due["dispatch_id"])
    if row is None:
        return None
    settings = await settings_of(work, tenant)
    use = await store.lock_mailbox(work, tenant, row["mailbox"])
    await lock_leads_shared(work, tenant, due["lead_id"])
    lead = await lead_of(work, tenant, due["lead_id"])
    turns = await _turns(work, row)
    match decide(await _conditions(work, row, lead, locked.state, settings, use, turns, deployment), work.now):
        case Refuse(reason):
            await store.change_state(work, row, "refused", reason=reason)
            return None
        case Wait(until, reason):
            turn = {}
            if reason == SPACING:
                until = await _turn(work, row, until, settings)
                turn = {"turn_at": _first_turn(row) or until}
            if reason == LEAD_SPACING and turns.last_turn:
                until = max(until, turns.last_turn + timedelta(minutes=settings.lead_spacing_minutes))
            await store.change_state(work, row, "queued", reason=reason, due_at=until, **turn)
            return None
        case Go():
            pass
    message = Message(
        row["channel"], row["from_address"], row["to_address"], row["subject"], row["body"], dict(row["headers"])
    )
    if message.canonical() != row["canonical"] or message.sha256 != row["sha256"]:
        await store.change_state(work, row, "refused", reason="the text is not the one that was approved")
        return None
    if row["template_sha256"] and not await _follows_template(work, row, message):
        await store.change_state(work, row, "refused", reason="the text is not the template that was approved")
        return None
    message_id = row["message_id"] or _message_id(row)
    await store.enter_sending(work, row, message_id, lease)
    await store.count_attempt(work, tenant, row["mailbox"], use.sent_today)
    token = keys.unsubscribe_token(Unsubscribe(tenant, row["lead_id"], row["channel"], key[2]))
    return Attempt(tenant, row["dispatch_id"], message, message_id, work.now, token)


def _addresses_of(lead: Lead | None) -> list[tuple[str, str, bytes]]:
    """The keys of the lead's addresses."""
    found = [(channel, lead.address_hash(channel)) for channel in CHANNELS] if lead else []
    return [(lead.tenant, channel, bytes(hash)) for channel, hash in found if lead and hash]


async def _turns(work: UnitOfWork, row: Row) -> store.LeadTurns:
    """What else was sent, or waits to be sent, to the lead of the dispatch."""
    lead_ids = await lead_ids_of(work, row["tenant_id"], row["lead_id"])
    return await store.lead_turns(work, row, lead_ids, LEAD_SPACING)


def _message_id(row: Row) -> str:
    """Our id for the message; an SMS provider may give it another one later."""
    if row["channel"] == "sms":
        return sms_reference(row["dispatch_id"])
    return message_id_of(row["dispatch_id"], on_the_wire(row["mailbox"]).rpartition("@")[2])


async def _follows_template(work: UnitOfWork, row: Row, message: Message) -> bool:
    """Whether the message is the approved template, filled in again with the values that the dispatch stores."""
    canonical = await store.template_of(work, row)
    if canonical is None:
        return False
    try:
        filled_in = fill_in(ApprovedTemplate.read(canonical), row["channel"], row["template_values"])
    except Invalid:
        return False
    return filled_in == (message.subject, message.body)


async def _turn(work: UnitOfWork, row: Row, until: datetime, settings: OutreachSettings) -> datetime:
    """When a dispatch is due that waits for the spacing of its mailbox: after those that wait for it already.

    Otherwise they would all be due at once. One whose turn has come, but a moment before the mailbox is free, waits for
    that only and for those whose turn was before its own: at the end of the queue it would leave its turn to nobody. A
    dispatch that waits for anything else (a window, a back-off) takes no turn.
    """
    last = await store.last_turn(work, row["tenant_id"], row["mailbox"], SPACING, _first_turn(row))
    return max(until, last + caps_of(settings, row["mailbox"], row["channel"])[1]) if last else until


def _first_turn(row: Row) -> datetime | None:
    """The first turn of a dispatch that waits for the spacing of its mailbox, which orders it among the others."""
    first: datetime | None = row["turn_at"] if row["reason"] == SPACING else None
    return first


async def _conditions(
    work: UnitOfWork,
    row: Row,
    lead: Lead | None,
    address_state: str,
    settings: OutreachSettings,
    use: store.MailboxUse,
    turns: store.LeadTurns,
    deployment: Settings,
) -> SendConditions:
    tenant, channel = row["tenant_id"], row["channel"]
    per_day, spacing = caps_of(settings, row["mailbox"], channel)
    suppressed = None
    if lead:
        suppressed = suppression_refusal((await addresses.suppressions_of(work, lead))[channel], channel)
    lead_ids = await lead_ids_of(work, tenant, row["lead_id"])
    no_answer = None
    if row["kind"] == "answer":
        no_answer = await answer_refused(work, tenant, lead_ids, row["cause"], row["cause_id"], row["headers"])
    enrolment = await store.enrolment_of(work, row)
    stage, stage_rule = "new", None
    if lead:
        stage, stage_rule = stage_for(
            row["kind"], row["cause"], row["cause_at"], lead.stage, lead.stage_rule, lead.stage_since
        )
    windows = [settings.window.window()] if settings.window else []
    windows += [Window.of(**row["send_window"])] if row["send_window"] else []
    return SendConditions(
        channel=channel,
        kind=row["kind"],
        to=row["to_address"],
        own_sender=await _from_own_sender(work, row, deployment),
        cause_at=row["cause_at"],
        lead_known=lead is not None and lead.captured,
        address=lead.address(channel) if lead else None,
        address_state=address_state,
        suppressed=suppressed,
        opted_out=bool(lead and lead.opted_out),
        merged=bool(lead and lead.merged_into),
        consent=lead.consent_for(channel) if lead else "unknown",
        unknown_allows=tuple(settings.unknown_consent_allows),
        mode=(lead.mode if lead else None) or settings.mode,
        stage=stage,
        stage_rule=stage_rule,
        last_reply_at=await last_reply_at(work, tenant, lead_ids),
        no_answer=no_answer,
        timezone=zone_name(lead, settings) if lead else None,
        windows=tuple(windows),
        sent_today=use.sent_today,
        per_day=per_day,
        day_ends=end_of_day(work.now),
        last_sent_at=use.last_at,
        spacing=spacing,
        enrolment=enrolment["state"] if enrolment else None,
        paused_until=enrolment["paused_until"] if enrolment else None,
        lead_last_sent_at=turns.last_sent_at,
        lead_spacing=timedelta(minutes=settings.lead_spacing_minutes),
        lead_turn_of_other=turns.other_is_due,
    )


async def _from_own_sender(work: UnitOfWork, row: Row, deployment: Settings) -> bool:
    """Whether the tenant may still send from the address, number or name that this message is from."""
    if row["channel"] == "sms":
        return deployment.may_text_from(row["tenant_id"], row["from_address"])
    allowed = await store.sending_domains(work, row["tenant_id"])
    return is_own_domain(ascii_domain(row["from_address"]), row["tenant_id"], deployment.mail_domain, allowed)

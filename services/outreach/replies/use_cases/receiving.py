"""Receiving raw mails and SMS: recognise own copies, duplicates and delivery reports, match replies to their lead."""

from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

from sqlalchemy import RowMapping

from services.outreach import hooks
from services.outreach.keys import Keys
from services.outreach.replies import store
from services.outreach.replies.rules import Classification, bounces, classify, mail_parsing, new_text
from services.outreach.replies.rules.bounces import DeliveryReport
from services.outreach.replies.rules.mail_parsing import InboundMail
from services.outreach.replies.use_cases import labelling
from services.outreach.replies.use_cases.labelling import kept_lead
from services.outreach.rules import OUTCOME_OPEN
from services.outreach.store import Lead, lead_of, mailboxes_of, settings_of
from services.outreach.suppression import store as addresses
from services.outreach.suppression.rules import mail_failure
from services.outreach.suppression.use_cases import Bounce, record_bounce
from shared.db import UnitOfWork
from shared.ids import uuid7
from shared.store.aliases import resolve


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """The outcome of receiving a message: matched, unmatched, own_copy, duplicate or bounce."""

    reply_id: UUID | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Match:
    """The conversation that a message belongs to: the lead, and the message of ours that it answers."""

    lead: Lead | None
    dispatch: RowMapping | None


async def receive_mail(work: UnitOfWork, keys: Keys, mail_domain: str, tenant: str, raw: bytes) -> ReceivedMessage:
    """Receive a raw mail (RFC 5322). Its time is now; the Date header only has the time of the writer's clock."""
    mail = mail_parsing.parse(raw)
    if mail.message_id:
        ours = await store.dispatch_by_message_ids(work, tenant, [mail.message_id])
        if ours is not None:
            await _notify_sent(work, ours, "our own copy")
            return ReceivedMessage(None, "own_copy")
    settings = await settings_of(work, tenant)
    if mail.sender in {box.from_.lower() for box in mailboxes_of(settings, tenant, mail_domain)}:
        return ReceivedMessage(None, "own_copy")
    key = sha256(f"mail:{mail.message_id}".encode()).digest() if mail.message_id else mail.digest
    known = await store.find_by_key(work, tenant, key)
    if known is not None:
        return ReceivedMessage(known, "duplicate")
    reports = bounces.failures(mail)
    if reports:
        return await _receive_bounce(work, tenant, mail, reports, key, raw)
    match = await _match(work, keys, tenant, mail)
    read = new_text.extract(mail.body)
    sender = keys.address(tenant, mail.sender) if mail.sender else None
    classification = _about_present_address(match, "email", sender, classify("email", mail.headers, read))
    new = _new_reply(tenant, match, key, "email", mail.sender, mail.message_id, mail.subject or None, read.newest, raw)
    return await _store(work, keys, match, new, classification)


async def receive_sms(work: UnitOfWork, keys: Keys, tenant: str, sender: str, body: str, sid: str) -> ReceivedMessage:
    """Receive an SMS. `sid`: the provider's id for it."""
    key = sha256(f"sms:{sid}".encode()).digest()
    known = await store.find_by_key(work, tenant, key)
    if known is not None:
        return ReceivedMessage(known, "duplicate")
    hash = keys.address(tenant, sender)
    match = await _match_by_address(work, tenant, hash)
    read = new_text.extract(body)
    classification = _about_present_address(match, "sms", hash, classify("sms", {}, read))
    new = _new_reply(tenant, match, key, "sms", sender, sid, None, read.newest, body.encode())
    return await _store(work, keys, match, new, classification)


def _about_present_address(
    match: Match, channel: str, sender: bytes | None, classification: Classification
) -> Classification:
    """The classification without `wrong_address` where the message is about an earlier address of the lead."""
    wrote_to = bytes(match.dispatch["address_hash"]) if match.dispatch is not None else None
    present = match.lead.address_hash(channel) if match.lead else None
    return classification if present in (sender, wrote_to) else replace(classification, wrong_address=False)


def _new_reply(
    tenant: str,
    match: Match,
    key: bytes,
    channel: str,
    sender: str,
    message_id: str | None,
    subject: str | None,
    newest: str,
    raw: bytes,
) -> store.NewReply:
    return store.NewReply(
        tenant_id=tenant,
        reply_id=uuid7(),
        key=key,
        lead_id=match.lead.lead_id if match.lead else None,
        dispatch_id=match.dispatch["dispatch_id"] if match.dispatch is not None else None,
        channel=channel,
        outcome="matched" if match.lead else "unmatched",
        sender=sender,
        message_id=message_id,
        subject=subject,
        newest=newest,
        raw=raw,
        event_id=str(uuid7()),
    )


async def _store(
    work: UnitOfWork, keys: Keys, match: Match, new: store.NewReply, classification: Classification
) -> ReceivedMessage:
    """Store a new reply and apply its label; a duplicate when another request stored it at the same time."""
    tenant = new.tenant_id
    if not await store.add(work, new, classification):
        return ReceivedMessage(await store.find_by_key(work, tenant, new.key), "duplicate")
    row = await store.get(work, tenant, new.reply_id)
    assert row is not None
    await labelling.lock_addresses(work, keys, row, match.lead, row["label"])
    if match.dispatch is not None:
        await _notify_sent(work, match.dispatch, "a reply")
    await labelling.apply_label(work, keys, row, match.lead, None)
    return ReceivedMessage(new.reply_id, new.outcome)


async def _match(work: UnitOfWork, keys: Keys, tenant: str, mail: InboundMail) -> Match:
    """Match by the Message-IDs it refers to, then by an unsubscribe token in the quote, then by the sender."""
    if mail.references:
        dispatch = await store.dispatch_by_message_ids(work, tenant, mail.references)
        if dispatch is not None:
            return Match(await kept_lead(work, tenant, dispatch["lead_id"]), dispatch)
    for token in mail.tokens:
        link = keys.read_unsubscribe_token(token)
        if link is not None and link.tenant == tenant:
            dispatch = await store.last_dispatch_to(work, tenant, link.address_hash)
            return Match(await kept_lead(work, tenant, link.lead_id), dispatch)
    if not mail.sender:
        return Match(None, None)
    return await _match_by_address(work, tenant, keys.address(tenant, mail.sender))


async def _match_by_address(work: UnitOfWork, tenant: str, hash: bytes) -> Match:
    """The lead that our last message to the address was for, or else the only lead with the address."""
    dispatch = await store.last_dispatch_to(work, tenant, hash)
    if dispatch is not None:
        return Match(await kept_lead(work, tenant, dispatch["lead_id"]), dispatch)
    leads = await addresses.leads_with(work, tenant, hash)
    kept = set((await resolve(work, [(tenant, lead_id) for lead_id in leads])).values())
    return Match(await lead_of(work, tenant, kept.pop()) if len(kept) == 1 else None, None)


async def _notify_sent(work: UnitOfWork, dispatch: RowMapping, source: str) -> None:
    """The message of this dispatch was sent, as far as its outcome is still open."""
    if dispatch["state"] in OUTCOME_OPEN:
        evidence = hooks.SentEvidence(dispatch["tenant_id"], dispatch["dispatch_id"], source)
        await hooks.sent_evidence.notify(work, evidence)


async def _receive_bounce(
    work: UnitOfWork, tenant: str, mail: InboundMail, reports: list[DeliveryReport], key: bytes, raw: bytes
) -> ReceivedMessage:
    """Receive a delivery report: it proves that the message was sent, and may make its address invalid."""
    dispatch = None
    for report in reports:
        message_ids = [*report.message_ids, *mail.references]
        dispatch = dispatch or await store.dispatch_by_message_ids(work, tenant, message_ids)
    lead = await kept_lead(work, tenant, dispatch["lead_id"]) if dispatch is not None else None
    newest = new_text.extract(mail.body).newest[:2_000]
    new = _new_reply(
        tenant,
        Match(lead, dispatch),
        key,
        "email",
        mail.sender,
        mail.message_id,
        mail.subject or None,
        newest,
        raw,
    )._replace(outcome="bounce")
    if not await store.add(work, new, Classification("bounce", 1.0, "a delivery report")):
        return ReceivedMessage(await store.find_by_key(work, tenant, key), "duplicate")
    if dispatch is not None:
        address = (tenant, "email", bytes(dispatch["address_hash"]))
        await addresses.lock_addresses(work, [address])
        await _notify_sent(work, dispatch, "a delivery report")
        failed = next((report for report in reports if report.action == "failed"), None)
        if failed:
            bounce = Bounce(
                tenant,
                dispatch["lead_id"],
                "email",
                dispatch["message_id"],
                dispatch["to_address"],
                bytes(dispatch["address_hash"]),
            )
            await record_bounce(work, bounce, mail_failure(failed.status or "5.0.0", failed.detail))
    return ReceivedMessage(new.reply_id, "bounce")

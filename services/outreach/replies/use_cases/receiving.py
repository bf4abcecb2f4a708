"""Recording received mails and SMS: recognise own copies and duplicates, match replies to their lead, label them."""

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from services.outreach.address_forms import known_address
from services.outreach.keys import Keys
from services.outreach.replies import store
from services.outreach.replies.rules import Classification
from services.outreach.replies.rules.mail_reading import ReadMail, ReadSms
from services.outreach.replies.use_cases import labelling
from services.outreach.replies.use_cases.received import ReceivedMessage, notify_sent
from services.outreach.replies.use_cases.reports import record_complaint, record_reports
from services.outreach.store import Lead, lead_of, mailboxes_of, settings_of
from services.outreach.suppression import store as addresses
from shared.db import Row, UnitOfWork
from shared.ids import uuid7
from shared.store.aliases import resolve


@dataclass(frozen=True, slots=True)
class Match:
    """The conversation that a message belongs to: the lead, and the message of ours that it answers.

    An alias is answered as itself, so that undoing its merge gives it its replies back.
    """

    lead: Lead | None
    dispatch: Row | None


async def record_mail(
    work: UnitOfWork,
    keys: Keys,
    mail_domain: str,
    tenant: str,
    mail: ReadMail,
    raw: bytes,
    received_at: datetime,
    before: store.ToReread | None = None,
) -> ReceivedMessage:
    """Record what a mail says. Its time is that of its arrival; the Date header only has that of the writer's clock.

    `before`: what was made of the mail when it was read the last time. It stays the same reply.
    """
    if mail.message_id:
        ours = await store.dispatch_by_message_ids(work, tenant, [mail.message_id])
        if ours is not None:
            await notify_sent(work, ours, "our own copy")
            return ReceivedMessage(None, "own_copy")
    settings = await settings_of(work, tenant)
    own = {known_address(box.from_) for box in mailboxes_of(settings, tenant, mail_domain)}
    if known_address(mail.sender) in own:
        return ReceivedMessage(None, "own_copy")
    key = bytes.fromhex(mail.digest)
    known = await store.find_by_key(work, tenant, key)
    if known is not None:
        return ReceivedMessage(known, "duplicate")
    new = _new_reply(
        tenant, key, "email", mail.sender, mail.message_id, mail.subject or None, mail.newest, raw, received_at
    )
    if before is not None:
        new = new._replace(reply_id=before.reply_id, earlier=before.history)
    if mail.complaint:
        return await record_complaint(work, keys, new, mail.complaint)
    if mail.reports:
        return await record_reports(work, keys, new, mail.reports, mail.references)
    match = await _match(work, keys, tenant, mail)
    sender = keys.address(tenant, mail.sender) if mail.sender else None
    classification = _about_present_address(match, "email", sender, mail.classification)
    return await _store(work, keys, match, new, classification)


async def record_sms(
    work: UnitOfWork, keys: Keys, tenant: str, sender: str, body: str, sid: str, read: ReadSms
) -> ReceivedMessage:
    """Record an SMS that was read. `sid`: the provider's id for it."""
    key = sha256(f"sms:{sid}".encode()).digest()
    known = await store.find_by_key(work, tenant, key)
    if known is not None:
        return ReceivedMessage(known, "duplicate")
    hash = keys.address(tenant, sender)
    match = await _match_by_address(work, tenant, hash)
    classification = _about_present_address(match, "sms", hash, read.classification)
    new = _new_reply(tenant, key, "sms", sender, sid, None, read.newest, body.encode(), work.now)
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
    key: bytes,
    channel: str,
    sender: str,
    message_id: str | None,
    subject: str | None,
    newest: str,
    raw: bytes,
    received_at: datetime,
) -> store.NewReply:
    """A reply whose lead is not looked for yet."""
    return store.NewReply(
        tenant_id=tenant,
        reply_id=uuid7(),
        key=key,
        lead_id=None,
        dispatch_id=None,
        channel=channel,
        outcome="unmatched",
        sender=sender,
        message_id=message_id,
        subject=subject,
        newest=newest,
        raw=raw,
        event_id=str(uuid7()),
        received_at=received_at,
        earlier=[],
    )


async def _store(
    work: UnitOfWork, keys: Keys, match: Match, new: store.NewReply, classification: Classification
) -> ReceivedMessage:
    """Store a new reply and apply its label; a duplicate when another request stored it at the same time."""
    tenant = new.tenant_id
    lead = await labelling.lock_addresses(work, keys, new._asdict(), match.lead, classification.label)
    new = new._replace(
        lead_id=lead.lead_id if lead else None,
        dispatch_id=match.dispatch["dispatch_id"] if match.dispatch is not None else None,
        outcome="matched" if lead else "unmatched",
    )
    if not await store.add(work, new, classification):
        return ReceivedMessage(await store.find_by_key(work, tenant, new.key), "duplicate")
    row = await store.get(work, tenant, new.reply_id)
    assert row is not None
    if match.dispatch is not None:
        await notify_sent(work, match.dispatch, "a reply")
    await labelling.apply_label(work, keys, row, lead, None)
    return ReceivedMessage(new.reply_id, new.outcome)


async def _match(work: UnitOfWork, keys: Keys, tenant: str, mail: ReadMail) -> Match:
    """Match by the Message-IDs it refers to, then by an unsubscribe token in the quote, then by the sender."""
    if mail.references:
        dispatch = await store.dispatch_by_message_ids(work, tenant, mail.references)
        if dispatch is not None:
            return Match(await lead_of(work, tenant, dispatch["lead_id"]), dispatch)
    for token in mail.tokens:
        link = keys.read_unsubscribe_token(token)
        if link is not None and link.tenant == tenant:
            dispatch = await store.last_dispatch_to(work, tenant, link.address_hash)
            return Match(await lead_of(work, tenant, link.lead_id), dispatch)
    if not mail.sender:
        return Match(None, None)
    return await _match_by_address(work, tenant, keys.address(tenant, mail.sender))


async def _match_by_address(work: UnitOfWork, tenant: str, hash: bytes) -> Match:
    """The lead that our last message to the address was for, or else the only lead with the address."""
    dispatch = await store.last_dispatch_to(work, tenant, hash)
    if dispatch is not None:
        return Match(await lead_of(work, tenant, dispatch["lead_id"]), dispatch)
    leads = await addresses.leads_with(work, tenant, hash)
    kept = set((await resolve(work, [(tenant, lead_id) for lead_id in leads])).values())
    if len(kept) != 1:
        return Match(None, None)
    return Match(await lead_of(work, tenant, leads[0] if len(leads) == 1 else kept.pop()), None)

"""What comes in: a raw mail or an SMS, whose answer it is, and whether it is one at all."""

from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

from sqlalchemy import RowMapping

from services.outreach import hooks
from services.outreach.keys import Keys
from services.outreach.replies import store
from services.outreach.replies.rules import Verdict, classify, mail, text
from services.outreach.replies.use_cases import labels
from services.outreach.replies.use_cases.labels import kept_lead
from services.outreach.store import Lead, lead_of, mailboxes_of, settings_of
from services.outreach.suppression import store as addresses
from services.outreach.suppression.rules import mail_failure
from services.outreach.suppression.use_cases import Bounced, bounced
from shared.db import UnitOfWork
from shared.ids import uuid7
from shared.store.aliases import resolve

_DAEMONS = ("mailer-daemon@", "postmaster@")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an inbound message."""

    reply_id: UUID | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Match:
    """The conversation that a message belongs to: the lead, and the message of ours that it answers."""

    lead: Lead | None
    dispatch: RowMapping | None


async def take_mail(work: UnitOfWork, keys: Keys, mail_domain: str, tenant: str, raw: bytes) -> Taken:
    """A raw mail (RFC 5322). Its time is now: the Date header says what the writer's clock thinks."""
    came = mail.parse(raw)
    if came.message_id:
        ours = await store.answered(work, tenant, [came.message_id])
        if ours is not None:
            await _evidence(work, ours, "our own copy")
            return Taken(None, "own_copy")
    settings = await settings_of(work, tenant)
    if came.sender in {box.from_.lower() for box in mailboxes_of(settings, tenant, mail_domain)}:
        return Taken(None, "own_copy")
    key = sha256(f"mail:{came.message_id}".encode()).digest() if came.message_id else came.digest
    before = await store.known(work, tenant, key)
    if before is not None:
        return Taken(before, "duplicate")
    reports = _reports(came)
    if reports:
        return await _take_bounce(work, tenant, came, reports, key, raw)
    match = await _match(work, keys, tenant, came)
    read = text.read(came.body)
    sender = keys.address(tenant, came.sender) if came.sender else None
    verdict = _of_present_address(match, "email", sender, classify("email", came.headers, read))
    new = _new(match, key, "email", came.sender, came.message_id, came.subject or None, read.newest, raw, verdict)
    if not await store.add(work, tenant, new):
        return Taken(await store.known(work, tenant, key), "duplicate")
    await _follow(work, keys, match, new, tenant)
    return Taken(new.reply_id, new.outcome)


async def take_sms(work: UnitOfWork, keys: Keys, tenant: str, sender: str, body: str, sid: str) -> Taken:
    """An inbound SMS. `sid` is the provider's id for it."""
    key = sha256(f"sms:{sid}".encode()).digest()
    before = await store.known(work, tenant, key)
    if before is not None:
        return Taken(before, "duplicate")
    hash = keys.address(tenant, sender)
    match = await _by_address(work, tenant, hash)
    read = text.read(body)
    verdict = _of_present_address(match, "sms", hash, classify("sms", {}, read))
    new = _new(match, key, "sms", sender, sid, None, read.newest, body.encode(), verdict)
    if not await store.add(work, tenant, new):
        return Taken(await store.known(work, tenant, key), "duplicate")
    await _follow(work, keys, match, new, tenant)
    return Taken(new.reply_id, new.outcome)


def _of_present_address(match: Match, channel: str, sender: bytes | None, verdict: Verdict) -> Verdict:
    """The verdict, without "wrong address" where that is an address which the lead has no longer."""
    wrote_to = bytes(match.dispatch["address_hash"]) if match.dispatch is not None else None
    present = match.lead.address_hash(channel) if match.lead else None
    return verdict if present in (sender, wrote_to) else replace(verdict, wrong_address=False)


def _new(
    match: Match,
    key: bytes,
    channel: str,
    sender: str,
    message_id: str | None,
    subject: str | None,
    newest: str,
    raw: bytes,
    verdict: Verdict,
) -> store.NewReply:
    return store.NewReply(
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
        verdict=verdict,
        event_id=str(uuid7()),
    )


async def _match(work: UnitOfWork, keys: Keys, tenant: str, came: mail.Mail) -> Match:
    """By the ids of our messages, then by a token of ours in the quoted text, then by the address that we wrote to."""
    if came.references:
        dispatch = await store.answered(work, tenant, came.references)
        if dispatch is not None:
            return Match(await kept_lead(work, tenant, dispatch["lead_id"]), dispatch)
    for token in came.tokens:
        named = keys.read_unsubscribe_token(token)
        if named is not None and named.tenant == tenant:
            dispatch = await store.last_to(work, tenant, named.address_hash)
            return Match(await kept_lead(work, tenant, named.lead_id), dispatch)
    return await _by_address(work, tenant, keys.address(tenant, came.sender)) if came.sender else Match(None, None)


async def _by_address(work: UnitOfWork, tenant: str, hash: bytes) -> Match:
    dispatch = await store.last_to(work, tenant, hash)
    if dispatch is not None:
        return Match(await kept_lead(work, tenant, dispatch["lead_id"]), dispatch)
    leads = await addresses.leads_with(work, tenant, hash)
    kept = set((await resolve(work, [(tenant, lead_id) for lead_id in leads])).values())
    return Match(await lead_of(work, tenant, kept.pop()) if len(kept) == 1 else None, None)


async def _evidence(work: UnitOfWork, dispatch: RowMapping, what: str) -> None:
    if dispatch["state"] in ("unknown", "sending"):
        await hooks.evidence.ring(work, hooks.Evidence(dispatch["tenant_id"], dispatch["dispatch_id"], what))


async def _follow(work: UnitOfWork, keys: Keys, match: Match, new: store.NewReply, tenant: str) -> None:
    """What a new reply brings about."""
    row = await store.get(work, tenant, new.reply_id)
    assert row is not None
    await labels.hold_addresses(work, keys, row, match.lead, row["label"])
    if match.dispatch is not None:
        await _evidence(work, match.dispatch, "a reply")
    await labels.follow(work, keys, row, match.lead, None)


def _reports(came: mail.Mail) -> list[mail.Report]:
    """The delivery reports in a mail; also in those of mail servers that write them as plain text."""
    if came.reports or not came.sender.startswith(_DAEMONS):
        return came.reports
    status = mail.status_in(came.body)
    ids = [*came.references, *mail.message_ids_in(came.body)]
    return [mail.Report(ids, None, "failed", status, came.body[:300])] if status.startswith("5") and ids else []


async def _take_bounce(
    work: UnitOfWork, tenant: str, came: mail.Mail, reports: list[mail.Report], key: bytes, raw: bytes
) -> Taken:
    """A delivery report: it proves that the message left, and says what its address is worth."""
    dispatch = None
    for report in reports:
        dispatch = dispatch or await store.answered(work, tenant, [*report.message_ids, *came.references])
    lead = await kept_lead(work, tenant, dispatch["lead_id"]) if dispatch is not None else None
    new = store.NewReply(
        reply_id=uuid7(),
        key=key,
        lead_id=lead.lead_id if lead else None,
        dispatch_id=dispatch["dispatch_id"] if dispatch is not None else None,
        channel="email",
        outcome="bounce",
        sender=came.sender,
        message_id=came.message_id,
        subject=came.subject or None,
        newest=text.read(came.body).newest[:2_000],
        raw=raw,
        verdict=Verdict("bounce", 1.0, "a delivery report"),
        event_id=str(uuid7()),
    )
    if not await store.add(work, tenant, new):
        return Taken(await store.known(work, tenant, key), "duplicate")
    if dispatch is not None:
        address = (tenant, "email", bytes(dispatch["address_hash"]))
        await addresses.lock_addresses(work, [address])
        await _evidence(work, dispatch, "a delivery report")
        failed = [report for report in reports if report.action == "failed"]
        for report in failed[:1]:
            what = Bounced(
                tenant,
                dispatch["lead_id"],
                "email",
                dispatch["message_id"],
                dispatch["to_address"],
                bytes(dispatch["address_hash"]),
            )
            await bounced(work, what, mail_failure(report.status or "5.0.0", report.detail))
    return Taken(new.reply_id, "bounce")

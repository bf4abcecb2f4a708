"""What comes in: whose answer it is, what it says, and what follows from that."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.outreach import hooks
from services.outreach.keys import Keys
from services.outreach.replies import store
from services.outreach.replies.rules import NO_WORD_FROM_THE_LEAD, Verdict, classify, mail, text
from services.outreach.store import Lead, lead_of, mailboxes_of, settings_of
from services.outreach.suppression import store as addresses
from services.outreach.suppression.rules import mail_failure
from services.outreach.suppression.use_cases import Bounced, Wish, bounced, close_address, opt_out_lead, retract_reply
from shared.aliases import resolve
from shared.db import UnitOfWork
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events import ReplyReceived
from shared.ids import uuid7

EXCERPT = 500
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
    verdict = classify("email", came.headers, read)
    new = _new(match, key, "email", came.sender, came.message_id, came.subject or None, read.newest, raw, verdict)
    if not await store.add(work, tenant, new):
        return Taken(await store.known(work, tenant, key), "duplicate")
    hash = keys.address(tenant, came.sender) if came.sender else None
    await _follow(work, tenant, match, new, ("email", hash) if hash else None)
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
    new = _new(match, key, "sms", sender, sid, None, read.newest, body.encode(), classify("sms", {}, read))
    if not await store.add(work, tenant, new):
        return Taken(await store.known(work, tenant, key), "duplicate")
    await _follow(work, tenant, match, new, ("sms", hash))
    return Taken(new.reply_id, new.outcome)


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
            return Match(await _lead(work, tenant, dispatch["lead_id"]), dispatch)
    for token in came.tokens:
        named = keys.read_unsubscribe_token(token)
        if named is not None and named.tenant == tenant:
            dispatch = await store.last_to(work, tenant, named.address_hash)
            return Match(await _lead(work, tenant, named.lead_id), dispatch)
    return await _by_address(work, tenant, keys.address(tenant, came.sender)) if came.sender else Match(None, None)


async def _by_address(work: UnitOfWork, tenant: str, hash: bytes) -> Match:
    dispatch = await store.last_to(work, tenant, hash)
    if dispatch is not None:
        return Match(await _lead(work, tenant, dispatch["lead_id"]), dispatch)
    leads = await addresses.leads_with(work, tenant, hash, limit=2)
    return Match(await _lead(work, tenant, leads[0]) if len(leads) == 1 else None, None)


async def _lead(work: UnitOfWork, tenant: str, lead_id: UUID) -> Lead | None:
    kept = (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id]
    return await lead_of(work, tenant, kept)


async def _evidence(work: UnitOfWork, dispatch: RowMapping, what: str) -> None:
    if dispatch["state"] in ("unknown", "sending"):
        await hooks.evidence.ring(work, hooks.Evidence(dispatch["tenant_id"], dispatch["dispatch_id"], what))


async def _follow(
    work: UnitOfWork, tenant: str, match: Match, new: store.NewReply, sender: tuple[str, bytes] | None
) -> None:
    """What a new reply brings about."""
    if match.dispatch is not None:
        await _evidence(work, match.dispatch, "a reply")
    verdict = new.verdict
    if match.lead is None:
        if verdict.label == "opt_out" and sender:
            how = "stop_word" if verdict.stop_word else "reply"
            wish = Wish(sender[0], how, "system:reply-rules", verdict.because, new.reply_id)
            await close_address(work, tenant, wish, *sender)
        return
    row = await store.get(work, tenant, new.reply_id)
    assert row is not None
    await _publish(work, row, match.lead, by_human=False, first=True, sender=sender)


async def _publish(
    work: UnitOfWork, row: RowMapping, lead: Lead, *, by_human: bool, first: bool, sender: tuple[str, bytes] | None
) -> None:
    """Say what the reply is, at the reply's own time, and let the rest of outreach react."""
    tenant, label = row["tenant_id"], row["label"]
    optional: dict[str, Any] = {
        "message_id": await _answered_id(work, row),
        "wrong_address": True if row["wrong_address"] else None,
        "excerpt": row["newest"][:EXCERPT] or None,
    }
    cause = work.emit(
        ReplyReceived(
            reply_id=str(row["reply_id"]),
            channel=row["channel"],
            label=label,
            confidence=round(float(row["confidence"]), 3),
            method=row["method"],
            labelled_at=row["labelled_at"],
            **{name: value for name, value in optional.items() if value is not None},
        ),
        tenant=tenant,
        subject=lead.lead_id,
        time=row["received_at"],
        event_id=row["event_id"],
    )
    if label not in NO_WORD_FROM_THE_LEAD:
        await work.run(
            "UPDATE lead SET exhausted_at = NULL WHERE tenant_id = :tenant AND lead_id = :lead AND exhausted_at IS NOT "
            "NULL",
            tenant=tenant,
            lead=lead.lead_id,
        )
    word = hooks.Word(
        tenant, lead.lead_id, row["reply_id"], row["channel"], label, row["received_at"], cause.id, by_human, first
    )
    await hooks.word.ring(work, word)
    if label == "opt_out":
        stop = row["stop_word"]
        wish = Wish(
            row["channel"] if stop else "all",
            "stop_word" if stop else "reply",
            "system:reply-rules" if not by_human else "human:label",
            row["because"],
            row["reply_id"],
        )
        await opt_out_lead(work, lead, wish, also=sender, cause=cause)
    hash = lead.address_hash(row["channel"])
    if row["wrong_address"] and hash:
        await addresses.lock_addresses(work, [(tenant, row["channel"], hash)])
        await addresses.save_state(work, (tenant, row["channel"], hash), "invalid", [])
        await hooks.closed.ring(
            work, hooks.Closed(tenant, lead.lead_id, row["channel"], "the address is not the lead's")
        )


async def _answered_id(work: UnitOfWork, row: RowMapping) -> str | None:
    if row["dispatch_id"] is None:
        return None
    found = await work.fetch_one(
        "SELECT message_id FROM dispatch WHERE tenant_id = :tenant AND dispatch_id = :dispatch",
        tenant=row["tenant_id"],
        dispatch=row["dispatch_id"],
    )
    return found["message_id"] if found else None


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
    lead = await _lead(work, tenant, dispatch["lead_id"]) if dispatch is not None else None
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


async def label(
    work: UnitOfWork, tenant: str, reply_id: UUID, label: str, actor: str, note: str | None, is_operator: bool
) -> RowMapping:
    """A human's label. Mending an `opt_out` takes an operator with a note, and takes the suppression back."""
    row = await store.get(work, tenant, reply_id, lock=True)
    if row is None:
        raise NotFound("no such reply")
    if row["outcome"] == "bounce":
        raise Conflict("a delivery report is no reply")
    mends = row["label"] == "opt_out" and label != "opt_out"
    if mends:
        if row["stop_word"]:
            raise Conflict("a STOP word stands: it cannot be labelled otherwise")
        if not is_operator:
            raise Forbidden("mending an opt-out needs the role operator")
        if not (note or "").strip():
            raise Invalid("mending an opt-out needs a note", [{"field": "note", "message": "is missing"}])
    await store.relabel(work, row, label, actor, note, str(uuid7()))
    again = await store.get(work, tenant, reply_id)
    assert again is not None
    lead = await _lead(work, tenant, row["lead_id"]) if row["lead_id"] else None
    if mends:
        await retract_reply(work, tenant, lead.lead_id if lead else None, reply_id, actor, note or "")
    if lead is not None:
        await _publish(work, again, lead, by_human=True, first=False, sender=None)
    return again

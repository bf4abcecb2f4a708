"""What a reply says, by the rules or by a human, and what follows from that."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.outreach import hooks
from services.outreach.keys import Keys
from services.outreach.replies import store
from services.outreach.replies.rules import NO_WORD_FROM_THE_LEAD, SPEAK_OF_THE_ADDRESS
from services.outreach.replies.rules.named import named_by
from services.outreach.rules import CHANNELS
from services.outreach.store import Lead, family, last_word_at, lead_of
from services.outreach.suppression import store as addresses
from services.outreach.suppression.use_cases import Wish, close_address, opt_out_lead, retract_reply
from shared.db import UnitOfWork
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events import Envelope, ReplyReceived
from shared.ids import uuid7
from shared.store.aliases import resolve

EXCERPT = 500
RULES = "system:reply-rules"


async def kept_lead(work: UnitOfWork, tenant: str, lead_id: UUID) -> Lead | None:
    """The lead that an id stands for now."""
    kept = (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id]
    return await lead_of(work, tenant, kept)


async def label(
    work: UnitOfWork,
    keys: Keys,
    tenant: str,
    reply_id: UUID,
    label: str,
    actor: str,
    note: str | None,
    is_operator: bool,
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
    lead = await kept_lead(work, tenant, row["lead_id"]) if row["lead_id"] else None
    await hold_addresses(work, keys, row, lead, label)
    speaks_of_the_address = label in SPEAK_OF_THE_ADDRESS
    if row["closed_hash"] and not speaks_of_the_address:
        await addresses.save_state(work, (tenant, row["channel"], bytes(row["closed_hash"])), "valid", [])
    await store.relabel(work, row, label, actor, note, str(uuid7()), keeps_address=speaks_of_the_address)
    if mends:
        await retract_reply(work, tenant, lead.lead_id if lead else None, reply_id, actor, note or "")
    again = await store.get(work, tenant, reply_id)
    assert again is not None
    await follow(work, keys, again, lead, actor)
    return again


async def hold_addresses(work: UnitOfWork, keys: Keys, row: RowMapping, lead: Lead | None, label: str) -> None:
    """Lock the addresses that a label may close or open, before any lead or dispatch, as everybody does."""
    tenant, known = row["tenant_id"], {channel: lead.address_hash(channel) for channel in CHANNELS} if lead else {}
    held = {(tenant, channel, hash) for channel, hash in known.items() if hash}
    if row["closed_hash"]:
        held.add((tenant, row["channel"], bytes(row["closed_hash"])))
    if label == "opt_out" and (sender := _sender(keys, row)):
        held.add((tenant, *sender))
    await addresses.lock_addresses(work, held)


def _sender(keys: Keys, row: RowMapping) -> tuple[str, bytes] | None:
    """(channel, hash) of the address that the reply came from."""
    return (row["channel"], keys.address(row["tenant_id"], row["sender"])) if row["sender"] else None


async def follow(work: UnitOfWork, keys: Keys, row: RowMapping, lead: Lead | None, actor: str | None) -> None:
    """What a label brings about. `actor`: the human who gave it; None: the rules did, when the reply came."""
    stop, sender = row["stop_word"], _sender(keys, row)
    wish = Wish(
        row["channel"] if stop else "all",
        "stop_word" if stop else "reply",
        actor or RULES,
        row["because"],
        row["reply_id"],
    )
    if lead is None:
        if row["label"] == "opt_out" and sender:
            await close_address(work, row["tenant_id"], wish, *sender)
        return
    cause = await _publish(work, row, lead)
    if row["label"] == "opt_out":
        await opt_out_lead(work, lead, wish, also=sender, cause=cause)
    if row["wrong_address"]:
        await _close_wrong_address(work, row, lead)
    tenant, label = row["tenant_id"], row["label"]
    if label not in NO_WORD_FROM_THE_LEAD:
        await _take_word(work, row, lead)
    word = hooks.Word(
        tenant,
        lead.lead_id,
        row["reply_id"],
        row["channel"],
        label,
        row["received_at"],
        cause.id,
        by_human=actor is not None,
        first_label=actor is None,
    )
    await hooks.word.ring(work, word)


def _named(row: RowMapping) -> dict[str, str]:
    return named_by(row["label"], row["newest"], row["sender"], row["received_at"].date())


async def _take_word(work: UnitOfWork, row: RowMapping, lead: Lead) -> None:
    """The lead's newest word: its channels are not used up, and it may say until when to leave it alone."""
    last = await last_word_at(work, lead.tenant, await family(work, lead.tenant, lead.lead_id))
    if last and last > row["received_at"]:
        return
    until = _named(row).get("later_until")
    await work.run(
        """
        UPDATE lead SET exhausted_at = NULL, later_until = CAST(:until AS timestamptz),
               nurture_due = CASE WHEN nurture_due IS NOT NULL
                                  THEN coalesce(CAST(:until AS timestamptz), nurture_due) END
        WHERE tenant_id = :tenant AND lead_id = :lead
        """,
        until=datetime.fromisoformat(until).replace(tzinfo=UTC) if until else None,
        tenant=row["tenant_id"],
        lead=lead.lead_id,
    )


async def _publish(work: UnitOfWork, row: RowMapping, lead: Lead) -> Envelope:
    """Say what the reply is, at the reply's own time."""
    optional: dict[str, Any] = {
        "message_id": await _answered_id(work, row),
        "wrong_address": True if row["wrong_address"] else None,
        "excerpt": row["newest"][:EXCERPT] or None,
        **_named(row),
    }
    return work.emit(
        ReplyReceived(
            reply_id=str(row["reply_id"]),
            channel=row["channel"],
            label=row["label"],
            confidence=round(float(row["confidence"]), 3),
            method=row["method"],
            labelled_at=row["labelled_at"],
            **{name: value for name, value in optional.items() if value is not None},
        ),
        tenant=row["tenant_id"],
        subject=lead.lead_id,
        time=row["received_at"],
        event_id=row["event_id"],
    )


async def _close_wrong_address(work: UnitOfWork, row: RowMapping, lead: Lead) -> None:
    """The writer says that the address is not the lead's. The reply remembers if it was this that closed it."""
    tenant, channel, hash = row["tenant_id"], row["channel"], lead.address_hash(row["channel"])
    if hash is None:
        return
    key = (tenant, channel, hash)
    if (await addresses.lock_addresses(work, [key]))[key].state != "invalid":
        await addresses.save_state(work, key, "invalid", [])
        await store.remember_closed(work, row, hash)
    await hooks.closed.ring(work, hooks.Closed(tenant, lead.lead_id, channel, "the address is not the lead's"))


async def _answered_id(work: UnitOfWork, row: RowMapping) -> str | None:
    if row["dispatch_id"] is None:
        return None
    found = await work.fetch_one(
        "SELECT message_id FROM dispatch WHERE tenant_id = :tenant AND dispatch_id = :dispatch",
        tenant=row["tenant_id"],
        dispatch=row["dispatch_id"],
    )
    return found["message_id"] if found else None

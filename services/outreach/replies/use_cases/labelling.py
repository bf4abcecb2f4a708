"""Labels of replies, by the rules or by a human, and everything that follows from a label."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.outreach import hooks
from services.outreach.keys import Keys
from services.outreach.replies import store
from services.outreach.replies.rules import WRONG_ADDRESS_LABELS
from services.outreach.replies.rules.checklist_evidence import evidence_of
from services.outreach.replies.rules.label_details import details_of
from services.outreach.replies.rules.wrong_addresses import names_wrong_address
from services.outreach.rules import AUTOMATIC_LABELS, CHANNELS, HUMAN, morning_of, next_check_in
from services.outreach.store import Lead, lead_ids_of, lead_of, schedule_check_ins, settings_of, zone_name
from services.outreach.suppression import store as addresses
from services.outreach.suppression.use_cases import (
    SuppressionRequest,
    opt_out_lead,
    retract_opt_out,
    suppress_hash,
)
from shared.db import Row, UnitOfWork
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events import Envelope, ReplyReceived
from shared.ids import uuid7

EXCERPT = 500
"""Characters of a reply in `reply.received`."""


async def label_reply(
    work: UnitOfWork,
    keys: Keys,
    tenant: str,
    reply_id: UUID,
    label: str,
    actor: str,
    note: str | None,
    is_operator: bool,
) -> Row:
    """Apply a human's label; the reply afterwards.

    Correcting an `opt_out` also retracts its suppressions. It needs an operator (Forbidden) and a note (Invalid), and
    is not possible for a STOP word (Conflict).
    """
    row = await store.get(work, tenant, reply_id, lock=True)
    if row is None:
        raise NotFound("no such reply")
    if row["outcome"] in ("bounce", "complaint"):
        raise Conflict("a delivery report or a complaint cannot be labelled")
    if row["label"] == "opt_out" and label != "opt_out":
        if row["stop_word"]:
            raise Conflict("the opt-out by a STOP word is final: the reply keeps its label")
        if not is_operator:
            raise Forbidden("correcting an opt-out needs the role operator")
        if not (note or "").strip():
            raise Invalid("correcting an opt-out needs a note", [{"field": "note", "message": "is missing"}])
    return await relabel(work, keys, row, store.GivenLabel(label, HUMAN, 1.0, None), actor, note)


async def relabel(work: UnitOfWork, keys: Keys, row: Row, given: store.GivenLabel, actor: str, note: str | None) -> Row:
    """Give a stored (locked) reply a later label, with all that follows from it; the reply afterwards."""
    tenant, reply_id = row["tenant_id"], row["reply_id"]
    lead = await lead_of(work, tenant, row["lead_id"]) if row["lead_id"] else None
    lead = await lock_addresses(work, keys, row, lead, given.label)
    wrong_address = await _is_wrong_address(work, keys, row, lead, given.label)
    if row["closed_hash"] and not wrong_address:
        await addresses.save_state(work, (tenant, row["channel"], bytes(row["closed_hash"])), "valid", [])
    await store.relabel(work, row, given, actor, note, str(uuid7()), wrong_address=wrong_address)
    if row["label"] == "opt_out" and given.label != "opt_out":
        await retract_opt_out(work, tenant, lead, reply_id, actor, note or "")
    relabelled = await store.get(work, tenant, reply_id)
    assert relabelled is not None
    await apply_label(work, keys, relabelled, lead, actor)
    return relabelled


async def lock_addresses(
    work: UnitOfWork, keys: Keys, reply: Mapping[str, Any] | Row, lead: Lead | None, label: str
) -> Lead | None:
    """Lock the addresses that a label of a reply may change; returns the lead as it is then: merged or erased, perhaps.

    This comes before any lead or dispatch is locked, in the same order as everywhere. `reply`: a stored one, or the
    fields of one that is to be stored.
    """
    tenant = reply["tenant_id"]
    wanted: set[tuple[str, str, bytes]] = set()
    if lead:
        wanted |= {(tenant, channel, hash) for channel in CHANNELS if (hash := lead.address_hash(channel))}
    if closed := reply.get("closed_hash"):
        wanted.add((tenant, reply["channel"], bytes(closed)))
    if label == "opt_out" and (sender := _sender(keys, reply)):
        wanted.add((tenant, *sender))
    await addresses.lock_addresses(work, wanted)
    return await lead_of(work, tenant, lead.lead_id) if lead else None


async def _is_wrong_address(work: UnitOfWork, keys: Keys, row: Row, lead: Lead | None, label: str) -> bool:
    """Whether a stored reply, with a later label, says that the lead's present address is not the lead's."""
    if label not in WRONG_ADDRESS_LABELS or lead is None:
        return False
    if row["wrong_address"] or not names_wrong_address(row["newest"], row["channel"]):
        return bool(row["wrong_address"])
    about = {sender[1]} if (sender := _sender(keys, row)) else set()
    if row["dispatch_id"] is not None:
        about.add(await store.address_hash_of(work, row["tenant_id"], row["dispatch_id"]))
    return lead.address_hash(row["channel"]) in about


def _sender(keys: Keys, row: Mapping[str, Any] | Row) -> tuple[str, bytes] | None:
    """(channel, hash) of the address that the reply was sent from."""
    return (row["channel"], keys.address(row["tenant_id"], row["sender"])) if row["sender"] else None


async def apply_label(work: UnitOfWork, keys: Keys, row: Row, lead: Lead | None, actor: str | None) -> None:
    """Publish the label of a reply and apply what follows from it.

    A reply to an alias is its own; what is under way for it, and what was begun for it, is the kept lead's.
    `actor`: the human or language model that gave the label later; None: the rules did, when the reply was received.
    """
    if lead is None:
        if row["label"] == "opt_out" and (sender := _sender(keys, row)):
            await suppress_hash(work, row["tenant_id"], _opt_out(row, actor), *sender)
        return
    envelope = await _publish(work, row, lead)
    if row["label"] == "opt_out":
        await opt_out_lead(work, lead, _opt_out(row, actor), also=_sender(keys, row), cause=envelope)
    if row["wrong_address"]:
        await _invalidate_address(work, row, lead, envelope)
    if row["label"] not in AUTOMATIC_LABELS or len(row["history"]) > 1:
        await _record_last_reply(work, row, lead)
    back = _details(row).get("return_date")
    labelled = hooks.ReplyLabelled(
        row["tenant_id"],
        lead.kept_id,
        row["reply_id"],
        row["channel"],
        row["label"],
        row["received_at"],
        return_date=datetime.fromisoformat(back) if back else None,
        event=envelope,
        alias_id=lead.alias_id,
        by_human=row["method"] == HUMAN,
    )
    await hooks.reply_labelled.notify(work, labelled)


def _opt_out(row: Row, actor: str | None) -> SuppressionRequest:
    stop_word = row["stop_word"]
    return SuppressionRequest(
        channel=row["channel"] if stop_word else "all",
        how="stop_word" if stop_word else "reply",
        actor=actor or store.REPLY_RULES,
        reason=row["because"],
        reply_id=row["reply_id"],
    )


def _details(row: Row) -> dict[str, str]:
    return details_of(row["label"], row["newest"], row["sender"], row["received_at"].date())


async def _record_last_reply(work: UnitOfWork, row: Row, lead: Lead) -> None:
    """What the last reply of the lead says counts, and of the one that it was merged into; it may not be this one.

    A date until which it is to be left alone, new or taken back, moves the next check-in.
    """
    tenant, dues = lead.tenant, {}
    for lead_id in sorted({lead.lead_id, lead.kept_id}):
        known = await lead_of(work, tenant, lead_id, lock=True)
        last = await store.last_reply_of(work, tenant, await lead_ids_of(work, tenant, lead_id))
        later_until = None
        if last is not None and (named := _details(last).get("later_until")):
            zone = zone_name(lead, await settings_of(work, tenant))
            later_until = morning_of(datetime.fromisoformat(named).date(), zone)
        has_written = last is not None and last["reply_id"] == row["reply_id"]
        await store.save_later_until(work, tenant, lead_id, later_until, has_written=has_written)
        if known is not None and known.nurture_due is not None and known.later_until != later_until:
            dues[tenant, lead_id] = next_check_in(known.stage_since or work.now, later_until, work.now)
    await schedule_check_ins(work, dues)


async def _publish(work: UnitOfWork, row: Row, lead: Lead) -> Envelope:
    """Publish `reply.received` with the present label, at the time at which the reply was received."""
    message_id = None
    if row["dispatch_id"] is not None:
        message_id = await store.message_id_of(work, row["tenant_id"], row["dispatch_id"])
    optional: dict[str, Any] = {
        "message_id": message_id,
        "wrong_address": True if row["wrong_address"] else None,
        "excerpt": row["newest"][:EXCERPT] or None,
        "evidence": evidence_of(row["label"], row["newest"], row["received_at"].date()) or None,
        **_details(row),
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


async def _invalidate_address(work: UnitOfWork, row: Row, lead: Lead, envelope: Envelope) -> None:
    """The writer says that the address is not the lead's: it becomes invalid, and the reply records that it did so."""
    tenant, channel, hash = row["tenant_id"], row["channel"], lead.address_hash(row["channel"])
    if hash is None:
        return
    key = (tenant, channel, hash)
    if (await addresses.lock_addresses(work, [key]))[key].state != "invalid":
        await addresses.save_state(work, key, "invalid", [])
        await store.record_closed_address(work, row, hash)
    kept = await lead_of(work, tenant, lead.kept_id)
    if kept is not None and kept.address_hash(channel) == hash:
        closed = hooks.ChannelClosed(tenant, kept.lead_id, channel, "the address is not the lead's", envelope)
        await hooks.channel_closed.notify(work, closed)

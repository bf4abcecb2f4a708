"""Queries on replies, and on the messages that they answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping

from services.outreach.replies.rules import Verdict
from shared.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class NewReply:
    """A message that came in, as it is stored. `key` makes it known once."""

    reply_id: UUID
    key: bytes
    lead_id: UUID | None
    dispatch_id: UUID | None
    channel: str
    outcome: str
    sender: str
    message_id: str | None
    subject: str | None
    newest: str
    raw: bytes
    verdict: Verdict
    event_id: str


async def known(work: UnitOfWork, tenant: str, key: bytes) -> UUID | None:
    """The reply that came in before with the same key."""
    row = await work.fetch_one(
        "SELECT reply_id FROM reply WHERE tenant_id = :tenant AND key = :key", tenant=tenant, key=key
    )
    return row["reply_id"] if row else None


async def add(work: UnitOfWork, tenant: str, new: NewReply) -> bool:
    """Store a reply; False when one with its key came in at the same time."""
    verdict = new.verdict
    placed = await work.run(
        """
        INSERT INTO reply (tenant_id, reply_id, key, lead_id, dispatch_id, channel, outcome, sender, message_id,
                           subject, newest, raw, received_at, label, confidence, method, because, needs_human,
                           wrong_address, stop_word, labelled_at, event_id, history)
        VALUES (:tenant, :reply, :key, :lead, :dispatch, :channel, :outcome, :sender, :message_id, :subject, :newest,
                :raw, :now, :label, :confidence, 'rules', :because, :needs_human, :wrong_address, :stop_word, :now,
                :event_id, CAST(:history AS jsonb))
        ON CONFLICT (tenant_id, key) DO NOTHING
        """,
        tenant=tenant,
        reply=new.reply_id,
        key=new.key,
        lead=new.lead_id,
        dispatch=new.dispatch_id,
        channel=new.channel,
        outcome=new.outcome,
        sender=new.sender,
        message_id=new.message_id,
        subject=new.subject,
        newest=new.newest,
        raw=new.raw,
        now=work.now,
        label=verdict.label,
        confidence=verdict.confidence,
        because=verdict.because,
        needs_human=verdict.needs_human,
        wrong_address=verdict.wrong_address,
        stop_word=verdict.stop_word,
        event_id=new.event_id,
        history=_json([_entry(verdict.label, "rules", "system:reply-rules", work.now, None)]),
    )
    return bool(placed)


def _entry(label: str, method: str, actor: str, at: datetime, note: str | None) -> dict[str, Any]:
    return {"label": label, "method": method, "actor": actor, "at": at.isoformat(), **({"note": note} if note else {})}


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


async def get(work: UnitOfWork, tenant: str, reply_id: UUID, *, lock: bool = False) -> RowMapping | None:
    """One reply."""
    return await work.fetch_one(
        f"SELECT * FROM reply WHERE tenant_id = :tenant AND reply_id = :reply {'FOR UPDATE' if lock else ''}",
        tenant=tenant,
        reply=reply_id,
    )


async def remember_closed(work: UnitOfWork, row: RowMapping, hash: bytes) -> None:
    """It was this reply that made the address invalid."""
    await work.run(
        "UPDATE reply SET closed_hash = :hash WHERE tenant_id = :tenant AND reply_id = :reply",
        hash=hash,
        tenant=row["tenant_id"],
        reply=row["reply_id"],
    )


async def relabel(
    work: UnitOfWork, row: RowMapping, label: str, actor: str, note: str | None, event_id: str, *, keeps_address: bool
) -> None:
    """A human's label, on top of those before it. `keeps_address`: what was said of the address still counts."""
    await work.run(
        """
        UPDATE reply SET label = :label, confidence = 1, method = 'human', needs_human = false, labelled_at = :now,
               event_id = :event_id, history = history || CAST(:entry AS jsonb),
               wrong_address = wrong_address AND :keeps_address,
               closed_hash = CASE WHEN :keeps_address THEN closed_hash END
        WHERE tenant_id = :tenant AND reply_id = :reply
        """,
        label=label,
        now=work.now,
        event_id=event_id,
        keeps_address=keeps_address,
        entry=_json([_entry(label, "human", actor, work.now, note)]),
        tenant=row["tenant_id"],
        reply=row["reply_id"],
    )


_SENT = """
    SELECT d.tenant_id, d.dispatch_id, d.lead_id, d.channel, d.message_id, d.address_hash, d.state, c.to_address,
           c.subject
    FROM dispatch d
    JOIN content c ON c.tenant_id = d.tenant_id AND c.draft_id = d.draft_id AND c.sha256 = d.sha256
"""


async def answered(work: UnitOfWork, tenant: str, message_ids: Sequence[str]) -> RowMapping | None:
    """The message of ours that one of these ids names; the earliest id in the list that does."""
    return await work.fetch_one(
        f"""{_SENT} WHERE d.tenant_id = :tenant AND d.message_id = ANY (:ids)
            ORDER BY array_position(CAST(:ids AS text[]), d.message_id) LIMIT 1""",
        tenant=tenant,
        ids=list(message_ids),
    )


async def last_to(work: UnitOfWork, tenant: str, address_hash: bytes) -> RowMapping | None:
    """The newest message that went, or may have gone, to an address."""
    return await work.fetch_one(
        f"""{_SENT} WHERE d.tenant_id = :tenant AND d.address_hash = :hash AND d.sending_at IS NOT NULL
            AND d.state IN ('sent', 'sending', 'unknown') ORDER BY d.sending_at DESC LIMIT 1""",
        tenant=tenant,
        hash=address_hash,
    )


async def page(
    work: UnitOfWork, tenant: str, filters: Mapping[str, Any], before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[RowMapping]:
    """Replies, the newest first. `filters`: columns of `reply`, each with a value or a list of them."""
    where = "".join(
        f" AND {name} = ANY (:{name})" if isinstance(value, list) else f" AND {name} = :{name}"
        for name, value in filters.items()
    )
    after = " AND (received_at, reply_id) < (:before_at, :before_id)" if before else ""
    return await work.fetch(
        f"""
        SELECT tenant_id, reply_id, lead_id, dispatch_id, channel, outcome, sender, message_id, subject, newest,
               received_at, label, confidence, method, because, needs_human, wrong_address, labelled_at, history
        FROM reply WHERE tenant_id = :tenant{where}{after} ORDER BY received_at DESC, reply_id DESC LIMIT :limit
        """,
        tenant=tenant,
        limit=limit,
        **({"before_at": before[0], "before_id": before[1]} if before else {}),
        **filters,
    )


async def conversation(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """What was sent to a lead and what it wrote, in the order of time; also what was refused, and why."""
    return await work.fetch(
        """
        SELECT * FROM (
            SELECT 'out' AS direction, coalesce(d.sent_at, d.sending_at, d.created_at) AS at, d.channel, d.message_id,
                   c.subject, c.body AS text, d.state, d.reason, d.kind, NULL AS label, d.draft_id, d.dispatch_id,
                   CAST(NULL AS uuid) AS reply_id, a.actor AS approved_by
            FROM dispatch d
            JOIN content c ON c.tenant_id = d.tenant_id AND c.draft_id = d.draft_id AND c.sha256 = d.sha256
            JOIN approval a ON a.tenant_id = d.tenant_id AND a.draft_id = d.draft_id
            WHERE d.tenant_id = :tenant AND d.lead_id = ANY (:leads)
            UNION ALL
            SELECT 'in', received_at, channel, message_id, subject, newest, outcome, because, NULL, label, NULL,
                   dispatch_id, reply_id, NULL
            FROM reply WHERE tenant_id = :tenant AND lead_id = ANY (:leads)
        ) m ORDER BY at, dispatch_id LIMIT 1000
        """,
        tenant=tenant,
        leads=list(lead_ids),
    )

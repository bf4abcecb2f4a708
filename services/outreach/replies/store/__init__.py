"""Queries on replies, and on the messages that they answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.outreach.replies.rules import Classification
from services.outreach.replies.tables import ReplyRow
from services.outreach.rules import AUTOMATIC_LABELS
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows

REPLY_RULES = "system:reply-rules"
"""The actor of labels that the rules gave."""


class NewReply(NamedTuple):
    """A received message as it is stored. `key` is the same for every copy of the message."""

    tenant_id: str
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
    event_id: str
    received_at: datetime
    earlier: list[dict[str, Any]]
    """The labels that it had before it was read again."""


_LABEL = ("label", "confidence", "because", "needs_human", "stop_word", "wrong_address")
_COLUMNS = (*NewReply._fields[:-1], *_LABEL, "method", "labelled_at", "history")
_ADD = f"{insert_rows(ReplyRow, _COLUMNS)} ON CONFLICT (tenant_id, key) DO NOTHING"


async def find_by_key(work: UnitOfWork, tenant: str, key: bytes) -> UUID | None:
    """The reply that was received before with the same key."""
    row = await work.fetch_one(
        "SELECT reply_id FROM reply WHERE tenant_id = :tenant AND key = :key", tenant=tenant, key=key
    )
    return row["reply_id"] if row else None


def _label_time(work: UnitOfWork, last: datetime | None) -> datetime:
    """When a label is given that follows one of that time: always later. A transaction may have begun before it."""
    return work.now if last is None else max(work.now, last + timedelta(microseconds=1))


async def add(work: UnitOfWork, new: NewReply, classification: Classification) -> bool:
    """Store a reply; False when one with its key was received at the same time."""
    label = [getattr(classification, name) for name in _LABEL]
    method = classification.method
    at = _label_time(work, datetime.fromisoformat(new.earlier[-1]["at"]) if new.earlier else None)
    history = _json([*new.earlier, _history_entry(classification.label, method, REPLY_RULES, at, None)])
    row = (*new[:-1], *label, method, at, history)
    return bool(await work.run(_ADD, **by_column(_COLUMNS, [row])))


def _history_entry(label: str, method: str, actor: str, at: datetime, note: str | None) -> dict[str, Any]:
    return {"label": label, "method": method, "actor": actor, "at": at.isoformat(), **({"note": note} if note else {})}


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


async def get(work: UnitOfWork, tenant: str, reply_id: UUID, *, lock: bool = False) -> Row | None:
    """One reply."""
    return await work.fetch_one(
        f"SELECT * FROM reply WHERE tenant_id = :tenant AND reply_id = :reply {'FOR UPDATE' if lock else ''}",
        tenant=tenant,
        reply=reply_id,
    )


async def record_closed_address(work: UnitOfWork, row: Row, hash: bytes) -> None:
    """Store that this reply made the address invalid."""
    await work.run(
        "UPDATE reply SET closed_hash = :hash WHERE tenant_id = :tenant AND reply_id = :reply",
        hash=hash,
        tenant=row["tenant_id"],
        reply=row["reply_id"],
    )


class GivenLabel(NamedTuple):
    """A label that is given to a stored reply. `because`: the words that it relies on; None leaves what is stored."""

    label: str
    method: str
    confidence: float
    because: str | None


async def relabel(
    work: UnitOfWork,
    row: Row,
    given: GivenLabel,
    actor: str,
    note: str | None,
    event_id: str,
    *,
    wrong_address: bool,
) -> None:
    """Store a later label of a (locked) reply, and append it to the history.

    `wrong_address`: with it, the address is not the lead's.
    """
    at = _label_time(work, row["labelled_at"])
    await work.run(
        """
        UPDATE reply SET label = :label, confidence = :confidence, method = :method, needs_human = false,
               because = coalesce(:because, because), labelled_at = :at,
               event_id = :event_id, history = history || CAST(:entry AS jsonb),
               wrong_address = :wrong_address,
               closed_hash = CASE WHEN :wrong_address THEN closed_hash END
        WHERE tenant_id = :tenant AND reply_id = :reply
        """,
        label=given.label,
        confidence=given.confidence,
        method=given.method,
        because=given.because,
        at=at,
        event_id=event_id,
        wrong_address=wrong_address,
        entry=_json([_history_entry(given.label, given.method, actor, at, note)]),
        tenant=row["tenant_id"],
        reply=row["reply_id"],
    )


_SENT = """
    SELECT d.tenant_id, d.dispatch_id, d.lead_id, d.channel, d.message_id, d.address_hash, d.state, c.to_address,
           c.subject
    FROM dispatch d
    JOIN content c ON c.tenant_id = d.tenant_id AND c.draft_id = d.draft_id AND c.sha256 = d.sha256
"""


async def dispatch_by_message_ids(work: UnitOfWork, tenant: str, message_ids: Sequence[str]) -> Row | None:
    """Our message with one of these Message-IDs, with its address and subject; the first id that matches counts."""
    return await work.fetch_one(
        f"""{_SENT} WHERE d.tenant_id = :tenant AND d.message_id = ANY (:ids)
            ORDER BY array_position(CAST(:ids AS text[]), d.message_id) LIMIT 1""",
        tenant=tenant,
        ids=list(message_ids),
    )


async def last_dispatch_to(
    work: UnitOfWork, tenant: str, address_hash: bytes, *, since: datetime | None = None
) -> Row | None:
    """Our newest message that was sent, or may have been sent, to an address: ever, or since a moment."""
    return await work.fetch_one(
        f"""{_SENT} WHERE d.tenant_id = :tenant AND d.address_hash = :hash AND d.sending_at IS NOT NULL
            AND d.state IN ('sent', 'sending', 'unknown')
            AND (CAST(:since AS timestamptz) IS NULL OR d.sending_at >= :since)
            ORDER BY d.sending_at DESC LIMIT 1""",
        tenant=tenant,
        hash=address_hash,
        since=since,
    )


_PAGE_COLUMNS = ", ".join(name for name in column_types(ReplyRow) if name != "raw")
"""Lists are read without the raw messages, which may be large."""


async def page(
    work: UnitOfWork, tenant: str, filters: Mapping[str, Any], before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row]:
    """Replies, the newest first. `filters`: columns of `reply`, each with a value or a list of them."""
    where = "".join(
        f" AND {name} = ANY (:{name})" if isinstance(value, list) else f" AND {name} = :{name}"
        for name, value in filters.items()
    )
    after = " AND (received_at, reply_id) < (:before_at, :before_id)" if before else ""
    return await work.fetch(
        f"""
        SELECT {_PAGE_COLUMNS} FROM reply WHERE tenant_id = :tenant{where}{after}
        ORDER BY received_at DESC, reply_id DESC LIMIT :limit
        """,
        tenant=tenant,
        limit=limit,
        **({"before_at": before[0], "before_id": before[1]} if before else {}),
        **filters,
    )


async def conversation(
    work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID], after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row]:
    """The messages to and from a lead, oldest first; refused ones with the reason.

    `after`: the `at` and `id` of the last one of the page before.
    """
    position = "WHERE (at, id) > (:after_at, :after_id)" if after else ""
    return await work.fetch(
        f"""
        SELECT * FROM (
            SELECT 'out' AS direction, d.dispatch_id AS id, coalesce(d.sent_at, d.sending_at, d.created_at) AS at,
                   d.channel, d.message_id,
                   c.subject, c.body AS text, d.state, d.reason, d.kind, NULL AS label, d.draft_id, d.dispatch_id,
                   CAST(NULL AS uuid) AS reply_id, coalesce(a.actor, t.actor) AS approved_by
            FROM dispatch d
            JOIN content c ON c.tenant_id = d.tenant_id AND c.draft_id = d.draft_id AND c.sha256 = d.sha256
            LEFT JOIN approval a ON a.tenant_id = d.tenant_id AND a.draft_id = d.draft_id
            LEFT JOIN template_approval t ON t.tenant_id = d.tenant_id AND t.scope_id = d.template_scope
                      AND t.sha256 = d.template_sha256
            WHERE d.tenant_id = :tenant AND d.lead_id = ANY (:leads)
            UNION ALL
            SELECT 'in', reply_id, received_at, channel, message_id, subject, newest, outcome, because, NULL, label,
                   NULL, dispatch_id, reply_id, NULL
            FROM reply WHERE tenant_id = :tenant AND lead_id = ANY (:leads)
        ) m {position} ORDER BY at, id LIMIT :limit
        """,
        tenant=tenant,
        leads=list(lead_ids),
        limit=limit,
        **({"after_at": after[0], "after_id": after[1]} if after else {}),
    )


async def message_id_of(work: UnitOfWork, tenant: str, dispatch_id: UUID) -> str | None:
    """The Message-ID of one of our messages."""
    row = await work.fetch_one(
        "SELECT message_id FROM dispatch WHERE tenant_id = :tenant AND dispatch_id = :dispatch",
        tenant=tenant,
        dispatch=dispatch_id,
    )
    return row["message_id"] if row else None


async def address_hash_of(work: UnitOfWork, tenant: str, dispatch_id: UUID) -> bytes:
    """The keyed hash of the address that one of our messages went to; empty where there is no such message."""
    row = await work.fetch_one(
        "SELECT address_hash FROM dispatch WHERE tenant_id = :tenant AND dispatch_id = :dispatch",
        tenant=tenant,
        dispatch=dispatch_id,
    )
    return bytes(row["address_hash"]) if row else b""


async def last_reply_of(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID]) -> Row | None:
    """The last reply of the lead that has these ids, without the raw message; automatic messages are no replies."""
    return await work.fetch_one(
        f"""
        SELECT {_PAGE_COLUMNS} FROM reply
        WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND outcome = 'matched'
          AND label <> ALL (CAST(:automatic AS text[]))
        ORDER BY received_at DESC, reply_id DESC LIMIT 1
        """,
        tenant=tenant,
        leads=list(lead_ids),
        automatic=sorted(AUTOMATIC_LABELS),
    )


async def save_later_until(
    work: UnitOfWork, tenant: str, lead_id: UUID, later_until: datetime | None, *, has_written: bool
) -> None:
    """Until when the lead asked to be left alone. Where it has written just now, its channels are not used up."""
    await work.run(
        """
        UPDATE lead SET later_until = CAST(:until AS timestamptz),
               exhausted_at = CASE WHEN NOT :has_written THEN exhausted_at END
        WHERE tenant_id = :tenant AND lead_id = :lead
        """,
        until=later_until,
        has_written=has_written,
        tenant=tenant,
        lead=lead_id,
    )


class ToReread(NamedTuple):
    """A stored mail, and what was made of it so far."""

    reply_id: UUID
    raw: bytes
    received_at: datetime
    outcome: str
    newest: str
    label: str
    method: str
    needs_human: bool
    history: list[dict[str, Any]]
    lead_id: UUID | None
    labelled_at: datetime


async def page_to_reread(work: UnitOfWork, tenant: str, since: datetime, after: UUID, limit: int) -> Sequence[ToReread]:
    """The next mails, by id, that arrived since then and that no person has labelled."""
    rows = await work.fetch_tuples(
        f"""
        SELECT {", ".join(ToReread._fields)} FROM reply
        WHERE tenant_id = :tenant AND channel = 'email' AND raw IS NOT NULL AND method <> 'human'
          AND received_at >= :since AND reply_id > :after
        ORDER BY reply_id LIMIT :limit
        """,
        tenant=tenant,
        since=since,
        after=after,
        limit=limit,
    )
    return [ToReread(*row) for row in rows]


async def delete_to_reread(work: UnitOfWork, tenant: str, stored: ToReread) -> bool:
    """Delete a reply that is recorded again in this transaction; False when it has got another label meanwhile."""
    return bool(
        await work.run(
            "DELETE FROM reply WHERE tenant_id = :tenant AND reply_id = :reply AND labelled_at = :labelled_at",
            tenant=tenant,
            reply=stored.reply_id,
            labelled_at=stored.labelled_at,
        )
    )

"""Queries on dispatches."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.outreach.sending.rules import check_transition
from services.outreach.sending.tables import DispatchRow
from services.outreach.store.due import QUEUES_IN_ORDER, tenants_with
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import insert_rows
from shared.ids import uuid7


class Approved(NamedTuple):
    """A draft that a human has just approved: what its dispatch needs."""

    tenant: str
    draft_id: UUID
    sha256: str
    lead_id: UUID
    kind: str
    channel: str
    address_hash: bytes
    mailbox: str
    cause_at: datetime


class ByTemplate(NamedTuple):
    """A message that follows a template which a human approved, for a sequence or for one enrolment (`scope`)."""

    sequence_id: UUID
    enrolment_id: UUID
    step: int
    scope: UUID
    sha256: str
    values: Mapping[str, str]


QUEUED_COLUMNS = ("tenant_id", *Approved._fields[1:], "dispatch_id", "due_at", "created_at")
"""What a new dispatch has: the fields of `Approved`, then its own."""
_OF_TEMPLATE = (
    "sequence_id", "enrolment_id", "step", "template_scope", "template_sha256", "template_values"
)  # fmt: skip
ONCE = """
    ON CONFLICT (tenant_id, address_hash, sequence_id, step, channel) WHERE sequence_id IS NOT NULL DO NOTHING
"""
"""There is one dispatch for each address, step of a sequence and channel."""
_BY_TEMPLATE = (*QUEUED_COLUMNS, *_OF_TEMPLATE)
_QUEUE = f"{insert_rows(DispatchRow, _BY_TEMPLATE)} {ONCE}"


async def queue_by_template(work: UnitOfWork, approved: Approved, template: ByTemplate) -> bool:
    """Queue a dispatch by an approved template, due at once. The database refuses it without that approval.

    False when there has been a dispatch to this address, on this channel, for the same step of a sequence.
    """
    values = orjson.dumps(dict(template.values)).decode()
    row = (*approved, uuid7(), work.now, work.now, *template[:5], values)
    return bool(await work.run(_QUEUE, **by_column(_BY_TEMPLATE, [row])))


async def template_of(work: UnitOfWork, row: Row) -> str | None:
    """The canonical form of the approved template that a dispatch follows."""
    found = await work.fetch_one(
        """
        SELECT t.canonical FROM template_approval a
        JOIN sequence_template t ON t.tenant_id = a.tenant_id AND t.sequence_id = a.sequence_id AND t.sha256 = a.sha256
        WHERE a.tenant_id = :tenant AND a.scope_id = :scope AND a.sha256 = :sha256
        """,
        tenant=row["tenant_id"],
        scope=row["template_scope"],
        sha256=row["template_sha256"],
    )
    return found["canonical"] if found else None


async def enrolment_of(work: UnitOfWork, row: Row) -> Row | None:
    """(state, paused_until) of the enrolment that a dispatch belongs to: paused too while its whole sequence is."""
    if row["enrolment_id"] is None:
        return None
    return await work.fetch_one(
        """
        SELECT CASE WHEN n.state = 'active' AND q.state <> 'active' THEN 'paused' ELSE n.state END AS state,
               n.paused_until
        FROM enrolment n JOIN sequence q ON q.tenant_id = n.tenant_id AND q.sequence_id = n.sequence_id
        WHERE n.tenant_id = :tenant AND n.enrolment_id = :enrolment
        """,
        tenant=row["tenant_id"],
        enrolment=row["enrolment_id"],
    )


async def next_due(work: UnitOfWork, spread: int) -> Row | None:
    """A dispatch that is due: of a tenant at random one of the `spread` that have been due longest, answers first.

    At random, so that senders pick different ones, and no tenant waits behind the bulk of another.
    """
    for queue in QUEUES_IN_ORDER:
        due = f"FROM dispatch WHERE tenant_id = w.tenant_id AND {queue} AND due_at <= :now"
        row = await work.fetch_one(
            f"""{tenants_with("dispatch", queue)}
            SELECT d.* FROM (
                SELECT w.tenant_id FROM waiting w
                CROSS JOIN LATERAL (SELECT {due} ORDER BY tenant_id, due_at LIMIT 1) d ORDER BY random() LIMIT 1
            ) w CROSS JOIN LATERAL (
                SELECT tenant_id, dispatch_id, channel, address_hash, lead_id {due}
                ORDER BY tenant_id, due_at LIMIT :spread
            ) d ORDER BY random() LIMIT 1
            """,
            now=work.now,
            spread=spread,
        )
        if row is not None:
            return row
    return None


_WITH_TEXT = """
    SELECT d.*, x.cause, x.cause_id, c.canonical, c.from_address, c.to_address, c.subject, c.body, c.headers
    FROM dispatch d
    JOIN draft x ON x.tenant_id = d.tenant_id AND x.draft_id = d.draft_id
    JOIN content c ON c.tenant_id = d.tenant_id AND c.draft_id = d.draft_id AND c.sha256 = d.sha256
"""


async def lock_due(work: UnitOfWork, tenant: str, dispatch_id: UUID) -> Row | None:
    """The dispatch with its text, locked; None when another sender has it or it is not due any more."""
    return await work.fetch_one(
        f"""{_WITH_TEXT} WHERE d.tenant_id = :tenant AND d.dispatch_id = :dispatch AND d.state = 'queued'
            AND d.due_at <= :now FOR UPDATE OF d SKIP LOCKED""",
        tenant=tenant,
        dispatch=dispatch_id,
        now=work.now,
    )


async def lock(work: UnitOfWork, tenant: str, dispatch_id: UUID) -> Row | None:
    """The dispatch with its text, locked; None when there is none (any more)."""
    return await work.fetch_one(
        f"{_WITH_TEXT} WHERE d.tenant_id = :tenant AND d.dispatch_id = :dispatch FOR UPDATE OF d",
        tenant=tenant,
        dispatch=dispatch_id,
    )


async def lock_of_draft(work: UnitOfWork, tenant: str, draft_id: UUID) -> Row | None:
    """The dispatch of a draft with its text, locked; None when there is none."""
    return await work.fetch_one(
        f"{_WITH_TEXT} WHERE d.tenant_id = :tenant AND d.draft_id = :draft FOR UPDATE OF d",
        tenant=tenant,
        draft=draft_id,
    )


async def sent_of(work: UnitOfWork, tenant: str, draft_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the drafts whose message is known to be sent."""
    rows = await work.fetch_tuples(
        "SELECT draft_id FROM dispatch WHERE tenant_id = :tenant AND draft_id = ANY (:drafts) AND state = 'sent'",
        tenant=tenant,
        drafts=list(draft_ids),
    )
    return {draft_id for (draft_id,) in rows}


async def refuse_queued(work: UnitOfWork, tenant: str, reason: str) -> int:
    """Refuse all messages of a tenant that have not left; how many."""
    return await work.run(
        "UPDATE dispatch SET state = 'refused', reason = :reason WHERE tenant_id = :tenant AND state = 'queued'",
        reason=reason,
        tenant=tenant,
    )


async def by_provider_id(work: UnitOfWork, tenant: str, sid: str) -> Row | None:
    """The dispatch that the SMS provider knows by this id, with its text."""
    return await work.fetch_one(
        f"{_WITH_TEXT} WHERE d.tenant_id = :tenant AND (d.provider_id = :sid OR d.message_id = :sid)",
        tenant=tenant,
        sid=sid,
    )


async def last_turn(
    work: UnitOfWork, tenant: str, mailbox: str, reason: str, before: datetime | None = None
) -> datetime | None:
    """The latest `due_at` of the dispatches that wait for the (locked) mailbox for this reason, None without any.

    `before`: only of those whose first turn was earlier than this.
    """
    row = await work.fetch_one(
        """
        SELECT max(due_at) AS at FROM dispatch
        WHERE tenant_id = :tenant AND mailbox = :mailbox AND state = 'queued' AND due_at > :now AND reason = :reason
          AND (CAST(:before AS timestamptz) IS NULL OR turn_at < :before)
        """,
        tenant=tenant,
        mailbox=mailbox,
        now=work.now,
        reason=reason,
        before=before,
    )
    return row["at"] if row else None


class LeadTurns(NamedTuple):
    """Other messages to a lead: when the last was sent, until when those wait that have a turn, and who is due."""

    last_sent_at: datetime | None
    last_turn: datetime | None
    """The latest `due_at` of those that wait for the lead's spacing; once a dispatch has a turn, of earlier ones."""
    other_is_due: bool
    """One that was approved earlier has waited for its turn, and it has come."""


async def lead_turns(work: UnitOfWork, row: Row, lead_ids: Sequence[UUID], reason: str) -> LeadTurns:
    """The other messages to the lead of a dispatch. `reason`: that of those which wait for the lead's spacing."""
    found = await work.fetch_tuples(
        """
        SELECT max(sending_at) FILTER (WHERE state IN ('sending', 'sent', 'unknown')),
               max(due_at) FILTER (WHERE state = 'queued' AND reason = :reason AND due_at > :now
                                     AND (NOT :waited OR (created_at, dispatch_id) < (:created_at, :dispatch))),
               coalesce(bool_or(state = 'queued' AND reason = :reason AND due_at <= :now
                                AND (created_at, dispatch_id) < (:created_at, :dispatch)), false)
        FROM dispatch WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND dispatch_id <> :dispatch
        """,
        tenant=row["tenant_id"],
        leads=list(lead_ids),
        dispatch=row["dispatch_id"],
        created_at=row["created_at"],
        waited=row["reason"] == reason,
        reason=reason,
        now=work.now,
    )
    return LeadTurns(*found[0])


async def enter_sending(work: UnitOfWork, row: Row, message_id: str, lease: timedelta) -> None:
    """Store `sending` with the Message-ID, before the first byte is sent. The database's own clock times the lease."""
    check_transition(row["state"], "sending")
    await work.run(
        """
        UPDATE dispatch SET state = 'sending', message_id = :message_id, attempts = attempts + 1, reason = NULL,
               first_tried_at = coalesce(first_tried_at, :now), sending_at = :now,
               lease_until = clock_timestamp() + :lease
        WHERE tenant_id = :tenant AND dispatch_id = :dispatch
        """,
        message_id=message_id,
        now=work.now,
        lease=lease,
        tenant=row["tenant_id"],
        dispatch=row["dispatch_id"],
    )


async def change_state(work: UnitOfWork, row: Row, state: str, **columns: Any) -> None:
    """Another state of a locked dispatch, with the columns that belong to it. Raises ForbiddenTransition."""
    check_transition(row["state"], state)
    assignments = ", ".join(f"{name} = :{name}" for name in ("state", *columns))
    await work.run(
        f"UPDATE dispatch SET {assignments} WHERE tenant_id = :tenant AND dispatch_id = :dispatch",
        state=state,
        tenant=row["tenant_id"],
        dispatch=row["dispatch_id"],
        **columns,
    )


async def annotate(work: UnitOfWork, row: Row, note: str) -> None:
    """Store a note on a dispatch; its state stays."""
    await work.run(
        "UPDATE dispatch SET note = :note WHERE tenant_id = :tenant AND dispatch_id = :dispatch",
        note=note,
        tenant=row["tenant_id"],
        dispatch=row["dispatch_id"],
    )


async def lapsed(work: UnitOfWork, limit: int = 100) -> Sequence[Row]:
    """(tenant_id, dispatch_id) of dispatches whose lease ran out in `sending`."""
    return await work.fetch(
        """
        SELECT tenant_id, dispatch_id FROM dispatch
        WHERE state = 'sending' AND lease_until < clock_timestamp() ORDER BY lease_until LIMIT :limit
        """,
        limit=limit,
    )


async def page(
    work: UnitOfWork, tenant: str, filters: dict[str, Any], before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row]:
    """Dispatches, the newest first. `filters`: columns of `dispatch`, each with a value or a list of them."""
    conditions = "".join(
        f" AND {name} = ANY (:{name})" if isinstance(value, list) else f" AND {name} = :{name}"
        for name, value in filters.items()
    )
    after = " AND (created_at, dispatch_id) < (:before_at, :before_id)" if before else ""
    return await work.fetch(
        f"""
        SELECT * FROM dispatch WHERE tenant_id = :tenant{conditions}{after}
        ORDER BY created_at DESC, dispatch_id DESC LIMIT :limit
        """,
        tenant=tenant,
        limit=limit,
        **({"before_at": before[0], "before_id": before[1]} if before else {}),
        **filters,
    )

"""Queries on the steps of enrolments: what became of each, and the draft and dispatch of the one under way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.outreach.sequences.store.enrolments import StoredEnrolment
from services.outreach.sequences.tables import EnrolmentStepRow, SentStepRow
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import insert_rows


class NewStep(NamedTuple):
    """One attempt at a step that begins now, or that was skipped."""

    tenant_id: str
    enrolment_id: UUID
    step: int
    attempt: int
    sequence_id: UUID
    lead_id: UUID
    draft_id: UUID | None
    channel: str | None
    review: str
    template_scope: UUID | None
    template_sha256: str | None
    send_window: Mapping[str, Any] | None
    uses_up: bool
    state: str
    reason: str | None
    planned_at: datetime | None
    begun_at: datetime
    ended_at: datetime | None = None


_ADD = f"""
    {insert_rows(EnrolmentStepRow, NewStep._fields)}
    ON CONFLICT (tenant_id, enrolment_id, step, attempt) DO NOTHING
"""


_SENT = ("tenant_id", "lead_id", "sequence_id", "step", "channel", "sent_at")
_ADD_SENT = f"{insert_rows(SentStepRow, _SENT)} ON CONFLICT DO NOTHING"


async def add(work: UnitOfWork, new: NewStep) -> bool:
    """Store an attempt at a step; False when it was stored before."""
    window = orjson.dumps(new.send_window).decode() if new.send_window else None
    return bool(await work.run(_ADD, **by_column(NewStep._fields, [new._replace(send_window=window)])))  # type: ignore[arg-type]


async def next_attempt(work: UnitOfWork, enrolment: StoredEnrolment, step: int) -> int:
    """The number of the next attempt at a step: it may have been taken before the enrolment was moved."""
    row = await work.fetch_one(
        """
        SELECT coalesce(max(attempt) + 1, 0) AS next FROM enrolment_step
        WHERE tenant_id = :tenant AND enrolment_id = :enrolment AND step = :step
        """,
        tenant=enrolment.tenant_id,
        enrolment=enrolment.enrolment_id,
        step=step,
    )
    assert row is not None
    return int(row["next"])


async def update(work: UnitOfWork, enrolment: StoredEnrolment, of_draft: UUID, **columns: Any) -> None:
    """Set columns of the step under way."""
    await work.run(
        f"UPDATE enrolment_step SET {', '.join(f'{name} = :{name}' for name in columns)}"
        " WHERE tenant_id = :tenant AND enrolment_id = :enrolment AND draft_id = :of_draft",
        tenant=enrolment.tenant_id,
        enrolment=enrolment.enrolment_id,
        of_draft=of_draft,
        **columns,
    )


async def cancel(work: UnitOfWork, enrolments: Sequence[StoredEnrolment], reason: str) -> None:
    """The steps under way of ended enrolments are not taken any more."""
    await work.run(
        """
        UPDATE enrolment_step SET state = 'cancelled', reason = :reason, ended_at = :now
        WHERE tenant_id = ANY (:tenants) AND enrolment_id = ANY (:enrolments) AND ended_at IS NULL
        """,
        reason=reason,
        now=work.now,
        tenants=sorted({each.tenant_id for each in enrolments}),
        enrolments=[each.enrolment_id for each in enrolments],
    )


async def reopen(work: UnitOfWork, enrolment: StoredEnrolment) -> None:
    """The step under way of an enrolment that came back goes on: its message leaves, or has left."""
    await work.run(
        """
        UPDATE enrolment_step SET state = 'sending', reason = NULL, ended_at = NULL
        WHERE tenant_id = :tenant AND enrolment_id = :enrolment AND draft_id = :draft AND state = 'cancelled'
        """,
        tenant=enrolment.tenant_id,
        enrolment=enrolment.enrolment_id,
        draft=enrolment.draft_id,
    )


async def adopt_draft(work: UnitOfWork, enrolment: StoredEnrolment, draft_id: UUID, instead: UUID) -> None:
    """The draft of the step under way was rewritten: another one takes its place."""
    await update(work, enrolment, instead, draft_id=draft_id)


async def had_by(
    work: UnitOfWork, tenant: str, sequence_id: UUID, address_hashes: Sequence[bytes], lead_ids: Sequence[UUID]
) -> frozenset[tuple[int, str]]:
    """The (step, channel) of a sequence of which there was a dispatch to one of these addresses.

    Also what was sent to one of these leads before the database was restored.
    """
    rows = await work.fetch_tuples(
        """
        SELECT step, channel FROM dispatch
        WHERE tenant_id = :tenant AND address_hash = ANY (CAST(:hashes AS bytea[])) AND sequence_id = :sequence
        UNION
        SELECT step, channel FROM sent_step
        WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND sequence_id = :sequence
        """,
        tenant=tenant,
        hashes=list(address_hashes),
        leads=list(lead_ids),
        sequence=sequence_id,
    )
    return frozenset((step, channel) for step, channel in rows)


async def add_sent(
    work: UnitOfWork, tenant: str, lead_id: UUID, sequence_id: UUID, step: int, channel: str, sent_at: datetime
) -> bool:
    """Store that a step was sent of which there is no dispatch; False where that is known."""
    row = (tenant, lead_id, sequence_id, step, channel, sent_at)
    return bool(await work.run(_ADD_SENT, **by_column(_SENT, [row])))


@dataclass(frozen=True, slots=True)
class UnderWay:
    """How far the step under way is: its request, its draft, its dispatch. None: there is none (yet)."""

    request: str | None
    request_reason: str | None
    draft: str | None
    draft_reason: str | None
    drafted_at: datetime | None
    decided_at: datetime | None
    edited: bool
    dispatch: str | None
    dispatch_reason: str | None
    sent_at: datetime | None
    leaves_at: datetime | None
    rewritten_as: UUID | None
    """The draft that replaces it."""


async def under_way(work: UnitOfWork, tenant: str, draft_id: UUID) -> UnderWay:
    """How far the step with this draft is."""
    row = await work.fetch_one(
        """
        SELECT c.state AS request, c.reason AS request_reason, d.state AS draft, d.reason AS draft_reason,
               d.created_at AS drafted_at, d.decided_at,
               (SELECT count(*) > 1 FROM content t
                WHERE t.tenant_id = d.tenant_id AND t.draft_id = d.draft_id) AS edited,
               p.state AS dispatch, p.reason AS dispatch_reason, p.sent_at, p.due_at AS leaves_at,
               (SELECT r.draft_id FROM composition r
                WHERE r.tenant_id = w.tenant_id AND r.lead_id = coalesce(d.lead_id, c.lead_id)
                  AND r.replaces = w.draft_id ORDER BY r.created_at DESC LIMIT 1) AS rewritten_as
        FROM (SELECT CAST(:tenant AS text) AS tenant_id, CAST(:draft AS uuid) AS draft_id) w
        LEFT JOIN composition c ON c.tenant_id = w.tenant_id AND c.draft_id = w.draft_id
        LEFT JOIN draft d ON d.tenant_id = w.tenant_id AND d.draft_id = w.draft_id
        LEFT JOIN dispatch p ON p.tenant_id = w.tenant_id AND p.draft_id = w.draft_id
        """,
        tenant=tenant,
        draft=draft_id,
    )
    assert row is not None
    return UnderWay(**row)


async def steps_of(work: UnitOfWork, tenant: str, enrolment_id: UUID) -> Sequence[Row]:
    """The steps of an enrolment that were begun or skipped, in that order, with their dispatches."""
    return await work.fetch(
        """
        SELECT s.step, s.attempt, s.channel, s.review, s.state, s.reason, s.draft_id, p.dispatch_id, s.planned_at,
               s.begun_at, s.drafted_at, s.decided_at, s.decision, s.ended_at, p.state AS dispatch_state,
               p.reason AS dispatch_reason, p.due_at AS dispatch_due_at, p.sent_at
        FROM enrolment_step s LEFT JOIN dispatch p ON p.tenant_id = s.tenant_id AND p.draft_id = s.draft_id
        WHERE s.tenant_id = :tenant AND s.enrolment_id = :enrolment ORDER BY s.begun_at, s.step, s.attempt
        """,
        tenant=tenant,
        enrolment=enrolment_id,
    )

"""The timeline of a lead: pages of its activities, and the labels of its replies."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from services.stages.tables import Activity
from shared.db import Row, UnitOfWork
from shared.db.columns import column_types
from shared.ids import LeadKey

_COLUMNS = ", ".join(column_types(Activity))


async def page(
    work: UnitOfWork,
    lead_ids: Sequence[UUID],
    *,
    types: Sequence[str] | None,
    before: tuple[datetime, int, UUID] | None,
    limit: int,
    superseded: bool = True,
) -> Sequence[Row]:
    """A page of the timeline, the newest first. `lead_ids` are the lead's own id, then its aliases.

    Of an alias the events are shown, but not the moves that it made before the merge. `superseded`: also what a
    correction has made void.
    """
    at, position, digest = before or (None, None, None)
    return await work.fetch(
        f"""
        SELECT a.* FROM unnest(CAST(:leads AS uuid[])) AS w (id)
        CROSS JOIN LATERAL (
            SELECT {_COLUMNS} FROM activity
            WHERE tenant_id = :tenant AND lead_id = w.id AND shown
              AND (w.id = :own OR type NOT IN ('status_change', 'ignored'))
              AND (:superseded OR NOT superseded)
              AND (CAST(:types AS text[]) IS NULL OR type = ANY (CAST(:types AS text[])))
              AND (CAST(:at AS timestamptz) IS NULL
                   OR (occurred_at, position, digest) < (:at, CAST(:position AS smallint), CAST(:digest AS uuid)))
            ORDER BY occurred_at DESC, position DESC, digest DESC LIMIT :limit
        ) a
        ORDER BY occurred_at DESC, position DESC, digest DESC LIMIT :limit
        """,
        tenant=work.tenants[0],
        leads=list(lead_ids),
        own=lead_ids[0],
        types=list(types) if types is not None else None,
        superseded=superseded,
        at=at,
        position=position,
        digest=digest,
        limit=limit,
    )


async def labels(work: UnitOfWork, lead_ids: Sequence[UUID], reply_ids: Sequence[str]) -> Sequence[Row]:
    """All labels of these replies, oldest first."""
    return await work.fetch(
        """
        SELECT data, event_id, recorded_at FROM activity
        WHERE tenant_id = :tenant AND lead_id = ANY (CAST(:leads AS uuid[])) AND type = 'reply.received'
          AND data ->> 'reply_id' = ANY (CAST(:replies AS text[]))
        ORDER BY CAST(data ->> 'labelled_at' AS timestamptz) NULLS FIRST, event_id COLLATE "C"
        """,
        tenant=work.tenants[0],
        leads=list(lead_ids),
        replies=list(reply_ids),
    )


async def shown_replies(work: UnitOfWork, replies: Iterable[tuple[LeadKey, str]]) -> set[tuple[LeadKey, str]]:
    """Those of the replies that the timeline shows already, perhaps with another label."""
    wanted = list(replies)
    rows = await work.fetch(
        """
        SELECT a.tenant_id, a.lead_id, w.reply_id
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[]), CAST(:replies AS text[]))
             AS w (tenant_id, lead_id, reply_id)
        JOIN activity a ON a.tenant_id = w.tenant_id AND a.lead_id = w.lead_id
             AND a.type = 'reply.received' AND a.shown AND a.data ->> 'reply_id' = w.reply_id
        """,
        tenants=[lead[0] for lead, _ in wanted],
        leads=[lead[1] for lead, _ in wanted],
        replies=[reply for _, reply in wanted],
    )
    return {((row["tenant_id"], row["lead_id"]), row["reply_id"]) for row in rows}

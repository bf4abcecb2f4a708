"""Queries on what a reviewer should know before deciding on a draft."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.outreach.rules import AUTOMATIC_LABELS
from shared.db import Row, UnitOfWork

MESSAGES = 10
"""The last messages of the conversation that a draft shows."""
MAX_TEXT = 5_000
"""Characters of each of them."""


async def answered_reply(
    work: UnitOfWork,
    tenant: str,
    lead_ids: Sequence[UUID],
    channel: str,
    before: datetime,
    reply_id: UUID | None,
) -> Row | None:
    """The reply with this id, or else the lead's last one on the channel before a moment; automatic ones are none."""
    found = "reply_id = :reply" if reply_id else "channel = :channel AND received_at <= :before"
    named = {"reply": reply_id} if reply_id else {"channel": channel, "before": before}
    return await work.fetch_one(
        f"""
        SELECT reply_id, received_at, channel, label, because, subject, newest AS text, message_id FROM reply
        WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND outcome = 'matched' AND {found}
          AND label <> ALL (CAST(:automatic AS text[]))
        ORDER BY received_at DESC LIMIT 1
        """,
        tenant=tenant,
        leads=list(lead_ids),
        automatic=sorted(AUTOMATIC_LABELS),
        **named,
    )


async def last_messages(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID]) -> list[Row]:
    """The last messages to and from the lead on all channels, the oldest first. What was never sent is left out."""
    rows = await work.fetch(
        """
        SELECT direction, at, channel, subject, left(text, :length) AS text, state, kind, label, draft_id, reply_id
        FROM (
            (SELECT 'out' AS direction, coalesce(d.sent_at, d.sending_at, d.created_at) AS at, d.channel, c.subject,
                    c.body AS text, d.state, d.kind, NULL AS label, d.draft_id, CAST(NULL AS uuid) AS reply_id
             FROM dispatch d
             JOIN content c ON c.tenant_id = d.tenant_id AND c.draft_id = d.draft_id AND c.sha256 = d.sha256
             WHERE d.tenant_id = :tenant AND d.lead_id = ANY (:leads) AND d.state IN ('sent', 'sending', 'unknown')
             ORDER BY d.created_at DESC LIMIT :limit)
            UNION ALL
            (SELECT 'in', received_at, channel, subject, newest, outcome, NULL, label, NULL, reply_id
             FROM reply WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND outcome = 'matched'
             ORDER BY received_at DESC LIMIT :limit)
        ) m ORDER BY at DESC LIMIT :limit
        """,
        tenant=tenant,
        leads=list(lead_ids),
        length=MAX_TEXT,
        limit=MESSAGES,
    )
    return list(reversed(rows))


async def messages_beside(
    work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID], sent_since: datetime
) -> Sequence[Row]:
    """The messages to these leads that are pending, on their way, or were sent since then; the oldest first."""
    return await work.fetch(
        """
        SELECT * FROM (
            SELECT d.lead_id, d.draft_id, d.kind, d.channel, d.state, c.subject, d.created_at AS at, d.author
            FROM draft d
            JOIN content c ON c.tenant_id = d.tenant_id AND c.draft_id = d.draft_id AND c.sha256 = d.sha256
            WHERE d.tenant_id = :tenant AND d.lead_id = ANY (:leads) AND d.state = 'pending'
            UNION ALL
            SELECT x.lead_id, x.draft_id, x.kind, x.channel, x.state, c.subject,
                   coalesce(x.sent_at, x.sending_at, x.due_at), c.author
            FROM dispatch x
            JOIN content c ON c.tenant_id = x.tenant_id AND c.draft_id = x.draft_id AND c.sha256 = x.sha256
            WHERE x.tenant_id = :tenant AND x.lead_id = ANY (:leads)
              AND (x.state IN ('queued', 'sending', 'unknown') OR (x.state = 'sent' AND x.sent_at > :since))
        ) m ORDER BY at, draft_id
        """,
        tenant=tenant,
        leads=list(lead_ids),
        since=sent_since,
    )


async def acknowledged(work: UnitOfWork, tenant: str, draft_id: UUID) -> list[str] | None:
    """The unsupported sentences that the approval of the draft names; None without an approval."""
    row = await work.fetch_one(
        "SELECT acknowledged FROM approval WHERE tenant_id = :tenant AND draft_id = :draft",
        tenant=tenant,
        draft=draft_id,
    )
    return list(row["acknowledged"]) if row else None

"""Queries on what a lead and the tenant have written to each other."""

from dataclasses import dataclass

from services.outreach.drafts.composer import ConversationMessage
from services.outreach.drafts.rules import reply_subject
from services.outreach.store import Lead, lead_ids_of
from shared.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class Conversation:
    """The latest ten messages on a channel, and what an answer to the last reply needs."""

    messages: list[ConversationMessage]
    """The oldest first."""
    subject: str | None
    """The subject of an answer to the last reply."""
    label: str | None
    """The label of the last reply."""
    answers: str | None
    """The Message-ID of the last reply."""
    earlier: list[str]
    """The Message-IDs of the other messages, the oldest first."""


async def conversation_of(work: UnitOfWork, lead: Lead, channel: str) -> Conversation:
    """The conversation with a lead, and with those merged into it, on a channel."""
    rows = await work.fetch(
        """
        SELECT * FROM (
            SELECT 'in' AS direction, received_at AS at, newest AS text, subject, message_id, label FROM reply
            WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND outcome = 'matched' AND channel = :channel
            UNION ALL
            SELECT 'out', d.sent_at, c.body, c.subject, d.message_id, NULL FROM dispatch d
            JOIN content c ON c.tenant_id = d.tenant_id AND c.draft_id = d.draft_id AND c.sha256 = d.sha256
            WHERE d.tenant_id = :tenant AND d.lead_id = ANY (:leads) AND d.state = 'sent' AND d.channel = :channel
        ) m ORDER BY at DESC LIMIT 10
        """,
        tenant=lead.tenant,
        leads=await lead_ids_of(work, lead.tenant, lead.lead_id),
        channel=channel,
    )
    rows = list(reversed(rows))
    last = next((row for row in reversed(rows) if row["direction"] == "in"), None)
    return Conversation(
        messages=[ConversationMessage(row["direction"], row["at"], row["text"]) for row in rows],
        subject=reply_subject(last["subject"]) if last is not None and last["subject"] else None,
        label=last["label"] if last is not None else None,
        answers=last["message_id"] if last is not None else None,
        earlier=[row["message_id"] for row in rows if row["message_id"] and row is not last],
    )

"""Queries on what a lead and the tenant have written to each other."""

from dataclasses import dataclass

from services.outreach.drafts.composer import ConversationMessage
from services.outreach.drafts.rules import reply_subject
from services.outreach.drafts.store.background import answered_reply
from services.outreach.store import Lead, lead_ids_of
from shared.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class Conversation:
    """The latest ten messages on a channel, and what an answer to the lead's last reply needs: to the one that its
    reviewer is shown. What no person wrote, such as an out-of-office reply, is a message and is not answered."""

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
    leads = await lead_ids_of(work, lead.tenant, lead.lead_id)
    rows = await work.fetch(
        """
        SELECT * FROM (
            SELECT 'in' AS direction, received_at AS at, newest AS text, message_id FROM reply
            WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND outcome = 'matched' AND channel = :channel
            UNION ALL
            SELECT 'out', d.sent_at, c.body, d.message_id FROM dispatch d
            JOIN content c ON c.tenant_id = d.tenant_id AND c.draft_id = d.draft_id AND c.sha256 = d.sha256
            WHERE d.tenant_id = :tenant AND d.lead_id = ANY (:leads) AND d.state = 'sent' AND d.channel = :channel
        ) m ORDER BY at DESC LIMIT 10
        """,
        tenant=lead.tenant,
        leads=leads,
        channel=channel,
    )
    rows = list(reversed(rows))
    last = await answered_reply(work, lead.tenant, leads, channel, work.now, None)
    answers = last["message_id"] if last is not None else None
    return Conversation(
        messages=[ConversationMessage(row["direction"], row["at"], row["text"]) for row in rows],
        subject=reply_subject(last["subject"]) if last is not None and last["subject"] else None,
        label=last["label"] if last is not None else None,
        answers=answers,
        earlier=[row["message_id"] for row in rows if row["message_id"] not in (None, answers)],
    )

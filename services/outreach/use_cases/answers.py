"""Whether an answer still answers a reply of its lead: another label or an undone merge may take that away.

It is asked by who writes the answer, who ends what is pending, and who sends it.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.outreach.rules import answer_refusal, first_cause
from services.outreach.store import answered_label
from shared.db import UnitOfWork


async def answer_refused(
    work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID], cause: str, cause_id: str, headers: Mapping[str, str]
) -> str | None:
    """Why the answer to a lead with these ids holds no longer, or None.

    The reply is known by the cause; where a person asked for the answer, by In-Reply-To. An SMS that a person asked
    for names none.
    """
    automatic = cause == "reply"
    reply_id = first_cause(cause_id) if automatic else None
    message_id = headers.get("In-Reply-To", "").strip("<>") or None
    if reply_id is None and message_id is None:
        return None
    return answer_refusal(await answered_label(work, tenant, lead_ids, reply_id, message_id), automatic=automatic)

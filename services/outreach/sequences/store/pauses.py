"""The pauses of an enrolment: the one that counts in columns of its own, the others beside it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from services.outreach.sequences.rules import OpenPause
from services.outreach.sequences.store import enrolments
from services.outreach.sequences.store.enrolments import AT_ONCE, StoredEnrolment
from shared.db import UnitOfWork

AS_BEFORE = "paused as before"
"""The detail of a pause that an enrolment had before it ended and came back."""


def pauses_of(enrolment: StoredEnrolment) -> list[OpenPause]:
    """The pauses that the enrolment has, the one that counts first."""
    if enrolment.paused_by is None:
        return []
    detail = enrolment.detail if enrolment.running else AS_BEFORE
    first = OpenPause(enrolment.paused_until, enrolment.paused_by, detail, enrolment.paused_by_reply)
    others = [
        OpenPause(
            each["until"] and datetime.fromisoformat(each["until"]),
            each["by"],
            each["detail"],
            each["reply_id"] and UUID(each["reply_id"]),
        )
        for each in enrolment.other_pauses
    ]
    return [first, *others]


async def save(
    work: UnitOfWork, enrolment: StoredEnrolment, pauses: Sequence[OpenPause], *, takes_effect: bool = True
) -> None:
    """Store the pauses of a locked enrolment, the one that counts first.

    `takes_effect`: it stands still until that one ends, and without any it goes on at once.
    """
    first = pauses[0] if pauses else None
    effect: dict[str, Any] = {"state": "active", "due_at": AT_ONCE, "detail": None}
    if first:
        effect = {"state": "paused", "due_at": first.until, "detail": first.detail}
    await enrolments.update(
        work,
        enrolment,
        paused_until=first and first.until,
        paused_by=first and first.by,
        paused_by_reply=first and first.reply_id,
        other_pauses=[asdict(each) | {"reply_id": each.reply_id and str(each.reply_id)} for each in pauses[1:]],
        **(effect if takes_effect else {}),
    )

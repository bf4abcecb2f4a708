"""What delays the messages of a mailbox to a lead, as far as it is known now."""

from datetime import timedelta
from uuid import UUID

from services.outreach.schemas import DEFAULT_PER_DAY, OutreachSettings
from services.outreach.sending import store
from services.outreach.sending.rules import LEAD_SPACING, SPACING, SendLimits, end_of_day
from services.outreach.store import lead_ids_of
from shared.db import UnitOfWork


def caps_of(settings: OutreachSettings, mailbox: str, channel: str) -> tuple[int | None, timedelta]:
    """(messages a day, time between two) of a mailbox. Only listed mailboxes limit SMS."""
    for listed in settings.mailboxes:
        if listed.from_ == mailbox:
            return listed.per_day, timedelta(seconds=listed.spacing_seconds)
    return (DEFAULT_PER_DAY if channel == "email" else None), timedelta(0)


async def limits_of(
    work: UnitOfWork, tenant: str, lead_id: UUID, settings: OutreachSettings, mailbox: str, channel: str
) -> SendLimits:
    """What would delay a new message to the lead, besides the windows: it comes after those that wait already."""
    per_day, spacing = caps_of(settings, mailbox, channel)
    use = await store.mailbox_use(work, tenant, mailbox)
    turn = await store.last_turn(work, tenant, mailbox, SPACING)
    newest = {"tenant_id": tenant, "dispatch_id": UUID(int=2**128 - 1), "created_at": work.now, "reason": None}
    turns = await store.lead_turns(work, newest, await lead_ids_of(work, tenant, lead_id), LEAD_SPACING)
    return SendLimits(
        timezone=None,
        windows=(),
        sent_today=use.sent_today,
        per_day=per_day,
        day_ends=end_of_day(work.now),
        last_sent_at=max((at for at in (use.last_at, turn) if at), default=None),
        spacing=spacing,
        lead_last_sent_at=max((at for at in (turns.last_sent_at, turns.last_turn) if at), default=None),
        lead_spacing=timedelta(minutes=settings.lead_spacing_minutes),
        lead_turn_of_other=False,
    )

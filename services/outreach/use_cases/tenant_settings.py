"""The tenant's settings: saving them, and letting what already waits count by the new ones."""

from datetime import timedelta

from services.outreach import store
from services.outreach.schemas import OutreachSettings
from shared.db import UnitOfWork

_LONGEST_BACK_OFF = timedelta(hours=1)
"""After it, whoever backs off after a failed attempt is due anyway."""


async def save(work: UnitOfWork, tenant: str, body: OutreachSettings) -> tuple[OutreachSettings, int]:
    """Save what the body gives; what it leaves out stays. All the settings now, and their version."""
    present = await store.settings_of(work, tenant)
    given = {name: getattr(body, name) for name in body.model_fields_set}
    if "auto_drafts" in given:
        given["auto_drafts"] = present.auto_drafts | body.auto_drafts
    saved = present.model_copy(update=given)
    version = await store.save_settings(work, tenant, saved)
    if (present.window, present.mailboxes) != (saved.window, saved.mailboxes):
        await _decide_anew(work, tenant)
    if _exhaustion(present) != _exhaustion(saved):
        await _judge_anew(work, tenant)
    return saved, version


def _exhaustion(settings: OutreachSettings) -> tuple[float, int]:
    return settings.exhaust_after_days, settings.exhaust_after_messages


async def _decide_anew(work: UnitOfWork, tenant: str) -> None:
    """Messages that wait for a window or their mailbox's turn; one that has been tried may be backing off instead.

    Rows that are due already are written too: a sender that is deciding by the old settings is waited for.
    """
    await work.run(
        """
        UPDATE dispatch SET due_at = least(due_at, CASE WHEN attempts = 0 THEN CAST(:now AS timestamptz)
                                                        ELSE CAST(:backed_off AS timestamptz) END)
        WHERE tenant_id = :tenant AND state = 'queued'
        """,
        now=work.now,
        backed_off=work.now + _LONGEST_BACK_OFF,
        tenant=tenant,
    )


async def _judge_anew(work: UnitOfWork, tenant: str) -> None:
    """Leads whose channels may be used up earlier, or later, than was thought."""
    await work.run(
        "UPDATE lead SET exhaust_due = :now WHERE tenant_id = :tenant AND exhaust_due IS NOT NULL",
        now=work.now,
        tenant=tenant,
    )

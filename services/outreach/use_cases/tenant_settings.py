"""Saving a tenant's settings, and letting work that already waits follow the new ones."""

from uuid import UUID

from services.outreach import store
from services.outreach.address_forms import ascii_domain
from services.outreach.schemas import OutreachSettings
from services.outreach.sending import store as dispatches
from services.outreach.sending.message import address_fault
from services.outreach.sending.rules import LONGEST_BACK_OFF, default_domain, is_own_domain
from services.outreach.sequences.store import enrolments
from services.outreach.sequences.use_cases import definitions
from services.outreach.settings import Settings
from shared.db import UnitOfWork
from shared.errors import Invalid, NotFound
from shared.http import check_if_match


async def save(
    work: UnitOfWork, tenant: str, body: OutreachSettings, deployment: Settings, if_match: str | None = None
) -> tuple[OutreachSettings, int]:
    """Save the settings that the body names, the others stay. All settings as they are now, and their version.

    `if_match`: as in `check_if_match`, judged once nobody else can save.
    Raises Invalid for a mailbox, a number or a name that the tenant may not send from, and for an unknown nurture
    sequence.
    """
    check_if_match(if_match, await store.lock_settings(work, tenant))
    if "mailboxes" in body.model_fields_set:
        await _check_mailboxes(work, tenant, body, deployment.mail_domain)
    if body.sms_from is not None and not deployment.may_text_from(tenant, body.sms_from):
        raise Invalid(
            "this number or name was not given to the tenant",
            [
                {
                    "field": "sms_from",
                    "message": f"{tenant} may not send from it; LEADFLOW_OUTREACH_SMS_SENDERS gives it",
                }
            ],
        )
    if body.nurture_sequence_id is not None:
        await _check_sequence(work, tenant, body.nurture_sequence_id)
    present = await store.settings_of(work, tenant)
    given = {name: getattr(body, name) for name in body.model_fields_set & OutreachSettings.model_fields.keys()}
    if "auto_drafts" in given:
        given["auto_drafts"] = present.auto_drafts | body.auto_drafts
    saved = present.model_copy(update=given)
    version = await store.save_settings(work, tenant, saved)
    if _waits(present) != _waits(saved):
        await dispatches.hasten_queued(work, tenant, work.now + LONGEST_BACK_OFF)
    if _clocks(present) != _clocks(saved):
        await enrolments.wake_waiting(work, tenant)
    if _exhaustion(present) != _exhaustion(saved):
        await dispatches.check_all_for_exhaustion(work, tenant)
    return saved, version


async def _check_sequence(work: UnitOfWork, tenant: str, sequence_id: UUID) -> None:
    try:
        await definitions.get(work, tenant, sequence_id)
    except NotFound as error:
        wrong = {"field": "nurture_sequence_id", "message": "is no sequence of the tenant"}
        raise Invalid(error.detail, [wrong]) from None


async def _check_mailboxes(work: UnitOfWork, tenant: str, body: OutreachSettings, mail_domain: str) -> None:
    faults = [
        (f"mailboxes.{number}.from", address_fault("email", each.from_)) for number, each in enumerate(body.mailboxes)
    ]
    if unfit := [{"field": field, "message": fault} for field, fault in faults if fault]:
        raise Invalid("nothing can be sent from such a mailbox", unfit)
    allowed = await dispatches.sending_domains(work, tenant)
    wrong = [
        {
            "field": f"mailboxes.{number}.from",
            "message": f"{tenant} may not send from this domain, only from "
            + ", ".join([default_domain(tenant, mail_domain), *allowed]),
        }
        for number, mailbox in enumerate(body.mailboxes)
        if not is_own_domain(ascii_domain(mailbox.from_), tenant, mail_domain, allowed)
    ]
    if wrong:
        raise Invalid("a mailbox is in a domain that was not given to the tenant", wrong)


def _waits(settings: OutreachSettings) -> tuple[object, ...]:
    """What queued messages may be waiting for."""
    return *_clocks(settings), settings.mailboxes, settings.lead_spacing_minutes


def _clocks(settings: OutreachSettings) -> tuple[object, ...]:
    """What the steps of sequences fall due by."""
    return settings.window, settings.timezone


def _exhaustion(settings: OutreachSettings) -> tuple[float, int]:
    return settings.exhaust_after_days, settings.exhaust_after_messages

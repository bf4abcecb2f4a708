"""Web forms: made and changed by an admin, shown to anybody, sent by visitors."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from math import ceil
from typing import Any, NamedTuple
from uuid import UUID

from services.capture.rules import form_guards
from services.capture.rules.contact import ContactNormaliser, normalise
from services.capture.rules.errors import FieldError
from services.capture.rules.form_guards import Shown
from services.capture.rules.forms import (
    CONSENT,
    STARTED,
    WORK,
    FormField,
    honeypot_for,
    is_checked,
    read_answers,
    visible_errors,
)
from services.capture.rules.public_tokens import public_token, tenant_of
from services.capture.store import consents
from services.capture.store import forms as store
from services.capture.use_cases.submissions import Submission, SubmissionResult, record_submissions
from shared.db import Database, Row, UnitOfWork
from shared.db.retries import retry_in_savepoint
from shared.errors import Forbidden, Invalid, NotFound, TooManyRequests
from shared.events import EngagementRecorded
from shared.ids import uuid7
from shared.names import is_tenant

_RATE_SECONDS = 60
_SWEPT_AT_ONCE = 5_000


class Form(NamedTuple):
    """A form as it was stored at the moment `now`, with the text that asks for consent."""

    row: Row
    consent_text: Row | None
    now: datetime

    @property
    def tenant(self) -> str:
        return str(self.row["tenant_id"])

    @property
    def settings(self) -> Mapping[str, Any]:
        settings: Mapping[str, Any] = self.row["settings"]
        return settings

    @property
    def fields(self) -> tuple[FormField, ...]:
        return tuple(FormField(**{**field, "options": tuple(field["options"])}) for field in self.settings["fields"])

    @property
    def allowed_origins(self) -> list[str]:
        """As browsers name them; without those that were stored before they were read so, and are none."""
        origins = []
        for stored in self.settings["allowed_origins"]:
            with suppress(ValueError):
                origins.append(form_guards.read_origin(stored))
        return origins

    @property
    def shown(self) -> Shown:
        """How it asks for consent now."""
        if self.consent_text is None:
            return Shown()
        return Shown(self.consent_text["version"], tuple(self.settings["consent"]["channels"]))

    @property
    def has_to_be_shown(self) -> bool:
        """Whether a submission has to prove that, and when, the form was shown."""
        return bool(self.settings["min_fill_seconds"] or self.settings["proof_of_work_bits"])


class Visit(NamedTuple):
    """What a request says of its sender. `page`: the address of the page on which the form was, or ""."""

    address: str
    origin: str | None
    host: str
    page: str


async def create_form(
    work: UnitOfWork, tenant: str, name: str, source: str, settings: Mapping[str, Any], actor: str
) -> Form:
    token = public_token(tenant, secrets.token_bytes(16))
    await store.FORMS.insert(
        work,
        tenant,
        token,
        name=name,
        source=source,
        settings=settings,
        honeypot=honeypot_for([FormField(**field) for field in settings["fields"]]),
        secret=secrets.token_bytes(32),
        consent_text_id=await _new_text(work, tenant, token, settings),
        by=actor,
    )
    return await get_form(work, tenant, token)


async def _new_text(work: UnitOfWork, tenant: str, token: str, settings: Mapping[str, Any]) -> UUID | None:
    if not settings.get("consent"):
        return None
    text_id = uuid7()
    await consents.add_text(work, tenant, text_id, token, settings["consent"]["text"])
    return text_id


async def get_form(work: UnitOfWork, tenant: str, token: str, *, lock: bool = False) -> Form:
    """A form of this tenant. Raises NotFound."""
    row = await store.FORMS.read(work, tenant, token, lock=lock)
    if row is None:
        raise NotFound("there is no form with this token")
    text_id = row["consent_text_id"]
    texts = await consents.read_texts(work, tenant, [text_id]) if text_id else {}
    return Form(row, texts.get(text_id), work.now)


async def list_forms(work: UnitOfWork, tenant: str, *, before: tuple[datetime, str] | None, limit: int) -> list[Form]:
    """The forms of a tenant, the newest first."""
    rows = await store.FORMS.page(work, tenant, before=before, limit=limit)
    texts = await consents.read_texts(work, tenant, [row["consent_text_id"] for row in rows if row["consent_text_id"]])
    return [Form(row, texts.get(row["consent_text_id"]), work.now) for row in rows]


async def edit_form(
    work: UnitOfWork, form: Form, *, name: str, source: str, active: bool, settings: Mapping[str, Any]
) -> Form:
    """Change a form that is locked. A changed text of consent becomes a new version; the earlier ones stay."""
    text_id, asked = form.row["consent_text_id"], settings.get("consent")
    if not asked:
        text_id = None
    elif form.consent_text is None or form.consent_text["content"] != asked["text"]:
        text_id = await _new_text(work, form.tenant, form.row["token"], settings)
    await store.FORMS.update(
        work,
        form.tenant,
        form.row["token"],
        name=name,
        source=source,
        active=active,
        settings=settings,
        honeypot=honeypot_for([FormField(**field) for field in settings["fields"]], form.row["honeypot"]),
        consent_text_id=text_id,
    )
    return await get_form(work, form.tenant, form.row["token"])


async def find_public(database: Database, token: str) -> Form:
    """The form with this token, of whichever tenant. Raises NotFound, also for one that is switched off."""
    tenant = tenant_of(token)
    if tenant is None or not is_tenant(tenant):
        raise NotFound("there is no form with this token")
    async with database.tenant(tenant) as work:
        form = await get_form(work, tenant, token)
    if not form.row["active"]:
        raise NotFound("this form is closed")
    return form


async def admit(database: Database, form: Form, visit: Visit) -> None:
    """Count a submission before its body is read.

    Raises TooManyRequests for a visitor who sends too often, Forbidden for a page that may not send the form.
    """
    visitor = form_guards.visitor_key(form.row["secret"], visit.address)
    async with database.tenant(form.tenant) as work:
        uses, left = await store.count_use(work, form.tenant, form.row["token"], visitor, seconds=_RATE_SECONDS)
    if uses > form.settings["rate_per_minute"]:
        raise TooManyRequests(
            "this form was sent too often from your address; wait a minute", retry_after=max(1, ceil(left))
        )
    if not form_guards.may_send(visit.origin, visit.host, form.allowed_origins):
        raise Forbidden("pages of this origin may not send the form; an admin can allow them")


async def submit(
    database: Database, form: Form, values: Mapping[str, Any], visit: Visit, normaliser: ContactNormaliser
) -> None:
    """Record what a visitor entered: a lead, and an engagement of kind form. A filled honeypot records nothing.

    Raises Invalid, by field, for what the visitor can correct.
    """
    if str(values.get(form.row["honeypot"]) or "").strip():
        return
    consent, text_id = await _consent_asked(database, form, values)
    submission, errors = read_answers(form.fields, values, form.row["source"], consent)
    contact, field_errors = normalise(submission, normaliser)
    errors += [
        error for error in visible_errors(form.fields, contact, field_errors) if error.field not in _fields(errors)
    ]
    if errors or contact is None:
        raise _invalid(errors)
    if contact.consent is not None:
        given = contact.consent._replace(source=f"form {form.row['name']}", text_id=text_id)
        contact = contact._replace(consent=given)
    async with database.tenant(form.tenant) as work:
        await _check_shown(work, form, values)
        submissions = [Submission(form.tenant, contact)]
        (result,) = await retry_in_savepoint(work, lambda: record_submissions(work, submissions))
        _emit_engagement(work, form, visit, result)


async def _consent_asked(
    database: Database, form: Form, values: Mapping[str, Any]
) -> tuple[Mapping[str, Any], UUID | None]:
    """What the visitor was asked to consent to, and the text: of the form as it was shown, if that can be told.

    Raises Invalid where the form was shown without the text, or with one that is gone.
    """
    consent: Mapping[str, Any] = form.settings.get("consent") or {}
    shown = form_guards.shown_with(form.row["secret"], str(values.get(STARTED) or ""))
    if shown is None or shown == form.shown:
        return consent, form.row["consent_text_id"]
    text_id: UUID | None = None
    if shown.version:
        async with database.tenant(form.tenant) as work:
            text_id = await consents.text_of_version(work, form.tenant, form.row["token"], shown.version)
    if text_id is None and (consent.get("required") or is_checked(values.get(CONSENT))):
        raise _invalid([FieldError(CONSENT, "is asked for with a text that has changed; load the form again")])
    if text_id is None:
        return {}, None
    return {"channels": shown.channels, "required": consent.get("required", False)}, text_id


def _fields(errors: list[FieldError]) -> set[str]:
    return {error.field for error in errors}


def _invalid(errors: list[FieldError]) -> Invalid:
    found = [{"field": error.field, "message": error.message} for error in errors]
    return Invalid("; ".join(f"{error.field}: {error.message}" for error in errors), found)


async def _check_shown(work: UnitOfWork, form: Form, values: Mapping[str, Any]) -> None:
    """Raises Invalid for a form that was sent too soon, too late, or without the work that it asks for."""
    if not form.has_to_be_shown:
        return
    secret, token = form.row["secret"], str(values.get(STARTED) or "")
    problem = form_guards.too_early_or_late(secret, token, work.now, form.settings["min_fill_seconds"])
    if problem is not None:
        raise _invalid([FieldError(STARTED, problem)])
    bits = form.settings["proof_of_work_bits"]
    if not bits:
        return
    if not form_guards.work_is_done(token, str(values.get(WORK) or ""), bits):
        raise _invalid([FieldError(WORK, "is not the answer to the work that the form asks for")])
    uses, _ = await store.count_use(
        work,
        form.tenant,
        form.row["token"],
        form_guards.use_key(secret, token),
        seconds=2 * form_guards.STARTED_LASTS.total_seconds(),
    )
    if uses > 1:
        raise _invalid([FieldError(STARTED, "the form was sent already; load it again")])


def _emit_engagement(work: UnitOfWork, form: Form, visit: Visit, result: SubmissionResult) -> None:
    more = {"url": visit.page} if visit.page else {}
    work.emit(
        EngagementRecorded(kind="form", page=form.row["name"], properties={"form": form.row["token"]}, **more),
        tenant=form.tenant,
        subject=result.lead.lead_id,
        time=max(work.now, result.lead.updated_on),
    )


async def sweep_uses(database: Database) -> int:
    """Delete counts of visitors that are over; how many there were."""
    async with database.worker() as work:
        tenants = await store.tenants_of_past_uses(work)
    if not tenants:
        return 0
    async with database.worker(tenants) as work:
        return await store.delete_past_uses(work, _SWEPT_AT_ONCE)

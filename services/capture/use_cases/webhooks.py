"""Webhooks: other systems send bodies of their own shape, and a mapping makes leads and meetings of them.

What no lead can be made of is kept with the reason, and can be replayed once the mapping was corrected.
"""

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from json import JSONDecodeError
from typing import Any, NamedTuple
from uuid import UUID

from services.capture.rules.contact import Contact, ContactNormaliser, normalise
from services.capture.rules.errors import FieldError
from services.capture.rules.form_bodies import is_form, read_form
from services.capture.rules.public_tokens import public_token, tenant_of
from services.capture.rules.webhook_mapping import Item, Meeting, WebhookMapping, items_of, read_item
from services.capture.rules.webhook_signatures import Sent, Signature, problem_of
from services.capture.store import webhooks as store
from services.capture.use_cases.submissions import Submission, SubmissionResult, record_submissions
from shared.db import Database, DatabaseError, Row, UnitOfWork
from shared.db.retries import retry_in_savepoint
from shared.errors import Conflict, Forbidden, NotFound, TooManyRequests
from shared.events import MeetingBooked, MeetingCancelled
from shared.ids import digest, uuid7
from shared.names import is_tenant
from shared.strict_json import is_too_deep, read_json, without_zeros

_REPLAYED_AT_ONCE = 500
MAX_VALUES = 100_000
"""Values in a body, counted by its commas: expressions may make a multiple of them."""
_LARGE = 65_536
"""Bytes from which on a body is read in a thread, so that nobody else waits for it."""
_SENT_AGAIN = timedelta(days=1)
"""For so long a sender may try to send a booking: it counts when it was made. An older one counts when it arrives."""


class Webhook(NamedTuple):
    """A webhook as it is stored."""

    row: Row

    @property
    def tenant(self) -> str:
        return str(self.row["tenant_id"])

    @property
    def token(self) -> str:
        return str(self.row["token"])

    @property
    def settings(self) -> Mapping[str, Any]:
        settings: Mapping[str, Any] = self.row["settings"]
        return settings

    @property
    def mapping(self) -> WebhookMapping:
        settings = self.settings
        return WebhookMapping(settings["mapping"], settings["items"], settings["when"], settings["meeting"])

    @property
    def signature(self) -> Signature | None:
        return Signature(**self.settings["signature"]) if self.settings["signature"] else None


class Reading(NamedTuple):
    """What an item of a body would become. `errors`: why it makes no lead; `contact` is None then."""

    item: Item
    contact: Contact | None
    errors: Sequence[FieldError]
    warnings: Sequence[FieldError]


class Outcome(NamedTuple):
    """How many items of a delivery made or changed a lead, were kept, and are ignored by the webhook's `when`."""

    taken: int = 0
    kept: int = 0
    ignored: int = 0


async def create_webhook(
    work: UnitOfWork, tenant: str, name: str, source: str, settings: Mapping[str, Any], secret: str, actor: str
) -> Webhook:
    """`secret`: "" where nothing is signed and no address verified."""
    token = public_token(tenant, secrets.token_bytes(16))
    await store.WEBHOOKS.insert(
        work, tenant, token, name=name, source=source, settings=settings, secret=secret.encode() or None, by=actor
    )
    return await get_webhook(work, tenant, token)


async def get_webhook(work: UnitOfWork, tenant: str, token: str, *, lock: bool = False) -> Webhook:
    """A webhook of this tenant. Raises NotFound."""
    row = await store.WEBHOOKS.read(work, tenant, token, lock=lock)
    if row is None:
        raise NotFound("there is no webhook with this token")
    return Webhook(row)


async def find_public(database: Database, token: str) -> Webhook:
    """The webhook with this token, of whichever tenant. Raises NotFound, also for one that is switched off."""
    tenant = tenant_of(token)
    if tenant is None or not is_tenant(tenant):
        raise NotFound("there is no webhook with this token")
    async with database.tenant(tenant) as work:
        webhook = await get_webhook(work, tenant, token)
    if not webhook.row["active"]:
        raise NotFound("this webhook is switched off")
    return webhook


async def receive(database: Database, webhook: Webhook, sent: Sent, normaliser: ContactNormaliser) -> Outcome:
    """Verify a delivery and make its leads; keep what makes none.

    Raises Forbidden for a delivery that its sender has not signed, TooManyRequests when too much is kept already.
    """
    async with database.tenant(webhook.tenant) as work:
        if webhook.signature is not None:
            problem = problem_of(webhook.signature, webhook.row["secret"] or b"", sent, work.now)
            if problem is not None:
                raise Forbidden(problem)
        content_type = sent.headers.get("content-type", "")[:200]
        try:
            readings = await _read_all(webhook, webhook.mapping, sent.body, content_type, normaliser)
        except ValueError as error:
            errors = [{"field": "body", "message": str(error)}]
            await _keep(work, webhook, [store.Kept(uuid7(), sent.body, content_type, True, errors)])
            return Outcome(kept=1)
        read = [(raw, reading) for raw, reading in readings if reading.item.counts or reading.errors]
        taken, kept = await _take_all(work, webhook, read, None)
        await _keep(work, webhook, kept)
        return Outcome(len(taken), len(kept), len(readings) - len(read))


async def _read_all(
    webhook: Webhook, mapping: WebhookMapping, body: bytes, content_type: str, normaliser: ContactNormaliser
) -> list[tuple[Any, Reading]]:
    """The items of a body, with what each would become; a large body is read in a thread. Raises ValueError."""

    def read() -> list[tuple[Any, Reading]]:
        items = items_of(mapping, read_body(body, content_type))
        return [(raw, reading_of(webhook, raw, normaliser)) for raw in items]

    return await asyncio.to_thread(read) if len(body) > _LARGE else read()


def read_body(body: bytes, content_type: str) -> Any:
    """The value of a body: JSON, or the fields of a form. Raises ValueError with a sentence for people."""
    if is_form(content_type):
        return read_form(body, content_type)
    if body.count(b",") > MAX_VALUES:
        raise ValueError(f"the body has more than {MAX_VALUES} values")
    text = without_zeros(body)
    try:
        value = read_json(text)
    except JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error.msg} (character {error.pos})") from None
    if is_too_deep(text, value):
        raise ValueError("the body is nested too deeply")
    return value


def reading_of(webhook: Webhook, raw: Any, normaliser: ContactNormaliser) -> Reading:
    """What an item would become, without any effect."""
    item = read_item(webhook.mapping, raw, webhook.row["source"])
    if not item.counts:
        return Reading(item, None, item.errors, ())
    contact, errors = normalise(item.submission, normaliser)
    of_meeting = [error for error in item.errors if error.field.startswith("meeting")]
    if contact is None or of_meeting:
        return Reading(item, None, [*item.errors, *(errors if contact is None else ())], ())
    return Reading(item, contact, (), [*item.errors, *errors])


async def _take_all(
    work: UnitOfWork, webhook: Webhook, readings: Sequence[tuple[Any, Reading]], time: datetime | None
) -> tuple[list[UUID], list[store.Kept]]:
    """Record items that arrived at `time` (None for now): the leads of those that made one, and what is kept."""
    good = [(raw, reading, reading.contact) for raw, reading in readings if reading.contact is not None]
    kept = [_item_kept(raw, _errors(reading)) for raw, reading in readings if reading.contact is None]
    submissions = [Submission(webhook.tenant, contact, time) for _, _, contact in good]
    try:
        results = await retry_in_savepoint(work, lambda: record_submissions(work, submissions))
    except DatabaseError as error:
        if error.sqlstate[:2] not in ("22", "23"):
            raise
        if len(good) == 1:
            return [], [*kept, _item_kept(good[0][0], [{"field": "body", "message": "cannot be stored as it is"}])]
        taken: list[UUID] = []
        for raw, reading, _ in good:
            one, refused = await _take_all(work, webhook, [(raw, reading)], time)
            taken, kept = [*taken, *one], [*kept, *refused]
        return taken, kept
    for (_, reading, _), result in zip(good, results, strict=True):
        if reading.item.meeting is not None:
            _emit_meeting(work, webhook, reading.item.meeting, result, time or work.now)
    return [result.lead.lead_id for result in results], kept


def _errors(reading: Reading) -> list[dict[str, str]]:
    return [{"field": error.field, "message": error.message} for error in reading.errors]


def _emit_meeting(
    work: UnitOfWork, webhook: Webhook, meeting: Meeting, result: SubmissionResult, time: datetime
) -> None:
    """Publish what arrived at `time`. A booking whose sender says when it was made is known when it is sent again."""
    event: MeetingBooked | MeetingCancelled = MeetingCancelled(meeting_id=meeting.id)
    event_id: str | None = None
    if meeting.starts_at is not None and meeting.ends_at is not None:
        title = {"title": meeting.title} if meeting.title else {}
        event = MeetingBooked(meeting_id=meeting.id, starts_at=meeting.starts_at, ends_at=meeting.ends_at, **title)
        if meeting.at is not None:
            lead_id = str(result.lead.lead_id)
            event_id = str(digest(webhook.token, "\0".join((lead_id, meeting.id, meeting.at.isoformat()))))
            time = meeting.at if time - _SENT_AGAIN < meeting.at < time else time
    work.emit(event, tenant=webhook.tenant, subject=result.lead.lead_id, time=time, event_id=event_id)


def _item_kept(raw: Any, errors: Sequence[Mapping[str, str]]) -> store.Kept:
    return store.Kept(uuid7(), json.dumps(raw).encode(), "application/json", False, errors)


async def _keep(work: UnitOfWork, webhook: Webhook, kept: Sequence[store.Kept]) -> None:
    if not kept:
        return
    if not await store.may_keep(work, webhook.tenant, webhook.token):
        raise TooManyRequests("this webhook keeps too many deliveries that made no lead; correct its mapping first")
    await store.keep(work, webhook.tenant, webhook.token, kept)


async def replay(work: UnitOfWork, webhook: Webhook, delivery_id: UUID, normaliser: ContactNormaliser) -> Row:
    """Read a kept delivery again by the present mapping, at the time at which it arrived; the delivery after it.

    Raises NotFound, and Conflict for one that has passed.
    """
    row = await store.read_delivery(work, webhook.tenant, webhook.token, delivery_id, lock=True)
    if row is None:
        raise NotFound("there is no such delivery")
    if row["state"] != "kept":
        raise Conflict("this delivery has passed already")
    mapping = webhook.mapping if row["whole"] else webhook.mapping._replace(items="")
    try:
        readings = await _read_all(webhook, mapping, row["body"], row["content_type"], normaliser)
    except ValueError as error:
        errors = [{"field": "body", "message": str(error)}]
        await store.set_errors(work, webhook.tenant, webhook.token, delivery_id, errors)
    else:
        counting = [(raw, reading) for raw, reading in readings if reading.item.counts or reading.errors]
        taken, kept = await _take_all(work, webhook, counting, row["received_on"])
        if len(readings) == 1 and kept:
            await store.set_errors(work, webhook.tenant, webhook.token, delivery_id, kept[0].errors)
        else:
            await store.keep(work, webhook.tenant, webhook.token, kept)
            lead_id = taken[-1] if taken else None
            await store.mark_replayed(work, webhook.tenant, webhook.token, delivery_id, lead_id)
    after = await store.read_delivery(work, webhook.tenant, webhook.token, delivery_id)
    assert after is not None
    return after


async def replay_all(
    database: Database, webhook: Webhook, normaliser: ContactNormaliser, after: UUID | None
) -> tuple[Outcome, UUID | None]:
    """Replay the oldest kept deliveries after this one, each in a transaction of its own.

    How many passed, how many did not, and the last one that was tried, or None when no others follow it.
    """
    async with database.tenant(webhook.tenant) as work:
        ids = await store.kept_after(work, webhook.tenant, webhook.token, after=after, limit=_REPLAYED_AT_ONCE)
    states: list[str] = []
    for delivery_id in ids:
        try:
            async with database.tenant(webhook.tenant) as work:
                states.append((await replay(work, webhook, delivery_id, normaliser))["state"])
        except Conflict:
            continue  # somebody else replayed it meanwhile
    last = ids[-1] if len(ids) == _REPLAYED_AT_ONCE else None
    return Outcome(taken=states.count("replayed"), kept=states.count("kept")), last

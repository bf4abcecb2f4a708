"""The HTTP API of replies: receiving and labelling them, and the conversation with a lead."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import Depends, Query, Request, Response
from pydantic import ValidationError

from services.outreach import twilio
from services.outreach.context import context_of
from services.outreach.mail_providers import PROVIDERS, Webhook
from services.outreach.replies import store
from services.outreach.replies.schemas import InboundSms, LabelBody, ReceivedView, ReplyView, StoredView, Utterance
from services.outreach.replies.use_cases import labelling, receiving
from services.outreach.replies.use_cases.raw_mail import Mails, store_mail
from services.outreach.replies.use_cases.received import ReceivedMessage
from services.outreach.store import all_ids_of, lead_ids_of, lead_of
from shared.db import Row, UnitOfWork
from shared.db.retries import retry_transaction
from shared.errors import Forbidden, Invalid, NotFound, UnsupportedMedia
from shared.events.envelope import errors_of
from shared.events.outreach import Label
from shared.http import (
    Limit,
    OperatorOrService,
    Page,
    Reviewer,
    Router,
    TenantWork,
    Viewer,
    decode_cursor,
    encode_cursor,
    large_body,
    public,
)
from shared.http.pages import moment
from shared.names import is_tenant
from shared.store.aliases import resolve

log = structlog.get_logger()
router = Router(tags=["replies"])

_KINDS = ("application/json", "multipart/form-data", "application/x-www-form-urlencoded")
_PROVIDERS_BODY = {
    "requestBody": {"content": {kind: {"schema": {"description": "As the provider sends it"}} for kind in _KINDS}}
}


def _view(row: Row) -> ReplyView:
    return ReplyView(text=row["newest"], **{name: row[name] for name in ReplyView.model_fields if name != "text"})


@router.post(
    "/replies",
    status_code=202,
    dependencies=[Depends(large_body)],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"message/rfc822": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def receive_reply(request: Request, principal: OperatorOrService) -> ReceivedView:
    """Receive a raw mail (`message/rfc822`): a reply, a copy of our own message, a delivery report, a complaint.

    It is stored first. Where it takes longer than a second to understand it, the answer is `received`.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "message/rfc822":
        raise UnsupportedMedia("send the raw mail as message/rfc822")
    raw = await request.body()
    if not raw.strip():
        raise Invalid("the mail is empty")
    mails: Mails = request.app.state.mails
    async with context_of(request).service.database.tenant(principal.tenant) as work:
        mail_id = await store_mail(work, principal.tenant, raw, taken=True)
    received = await mails.read_at_once(principal.tenant, mail_id)
    return ReceivedView(reply_id=received.reply_id, outcome=received.outcome)


@router.get("/replies")
async def list_replies(
    principal: Viewer,
    work: TenantWork,
    needs_human: bool | None = None,
    label: Label | None = None,
    lead_id: UUID | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[ReplyView]:
    """Replies, the newest first; with `needs_human` those that a human has to label."""
    before = None
    if cursor:
        position = decode_cursor(cursor, at=moment, id=UUID)
        before = (position["at"], position["id"])
    lead_ids = await all_ids_of(work, principal.tenant, lead_id) if lead_id else None
    filters = {"needs_human": needs_human, "label": label, "lead_id": lead_ids}
    rows = await store.page(
        work, principal.tenant, {name: value for name, value in filters.items() if value is not None}, before, limit + 1
    )
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        more = encode_cursor({"at": last["received_at"].isoformat(), "id": str(last["reply_id"])})
    return Page(items=[_view(row) for row in rows[:limit]], next_cursor=more)


@router.get("/replies/{reply_id}")
async def read_reply(reply_id: UUID, principal: Viewer, work: TenantWork) -> ReplyView:
    """One reply."""
    row = await store.get(work, principal.tenant, reply_id)
    if row is None:
        raise NotFound("no such reply")
    return _view(row)


@router.post("/replies/{reply_id}/label")
async def label_reply(
    reply_id: UUID, body: LabelBody, principal: Reviewer, work: TenantWork, request: Request
) -> ReplyView:
    """A human labels the reply. Correcting an `opt_out` needs an operator and a note."""
    context, is_operator = context_of(request), principal.at_least("operator")
    row = await labelling.label_reply(
        work, context.keys, principal.tenant, reply_id, body.label, principal.actor, body.note, is_operator
    )
    context.wake_after(work, "composer")
    return _view(row)


# Public, because the provider has no token: the route itself checks its signature, or else the token.
@router.post(
    "/sms/inbound",
    status_code=202,
    response_model=ReceivedView,
    responses={
        **twilio.REFUSALS,
        200: {"description": "To a provider", "content": {"text/xml": {"schema": {"type": "string"}}}},
    },
    openapi_extra=twilio.described(InboundSms),
    dependencies=[Depends(public)],
)
async def receive_sms(
    request: Request, tenant: Annotated[str | None, Query(description="Only in a provider's signed request")] = None
) -> Any:
    """An inbound SMS: signed form fields of the provider, or JSON with a token of role `service`."""
    context = context_of(request)
    form = twilio.is_form(request)
    if form:
        owner, fields = await twilio.signed_form(request)
        given: dict[str, Any] = {
            "from": fields.get("From", ""),
            "to": fields.get("To", ""),
            "body": fields.get("Body", ""),
            "message_sid": fields.get("MessageSid", ""),
        }
    else:
        owner = await twilio.machine_tenant(request)
        given = await twilio.json_body(request)
    try:
        sms = InboundSms.model_validate(given)
    except ValidationError as error:
        raise Invalid("the SMS is not valid", errors_of(error)) from None
    mails: Mails = request.app.state.mails
    read = await mails.read_sms(owner, sms.body)

    async def record(work: UnitOfWork) -> ReceivedMessage:
        context.wake_after(work, "composer")
        return await receiving.record_sms(work, context.keys, owner, sms.from_, sms.body, sms.message_sid, read)

    # The provider does not repeat it, and it may be a STOP.
    received = await retry_transaction(lambda: context.service.database.tenant(owner), record)
    if form:
        return Response("<Response/>", 200, media_type="text/xml")
    return ReceivedView(reply_id=received.reply_id, outcome=received.outcome)


# Public, because the provider has no token: each provider's module checks its signature, or the login in the URL.
@router.post(
    "/inbound/{provider}",
    dependencies=[Depends(public), Depends(large_body)],
    responses={403: {"description": "The provider has not signed it, or the login is wrong"}},
    openapi_extra=_PROVIDERS_BODY,
)
async def receive_inbound_mail(
    request: Request, provider: str, tenant: Annotated[str, Query(description="Whose mail it is")] = ""
) -> StoredView:
    """A mail that a provider hands over (mailgun, postmark, sendgrid, ses): stored as it is, and read afterwards.

    The answer is 200 after the commit; some providers repeat what is answered with any other status.
    """
    raw_mail = PROVIDERS.get(provider)
    if raw_mail is None or not is_tenant(tenant):
        raise NotFound("no such webhook")
    context = context_of(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        raw = await raw_mail(context.settings, Webhook(tenant, headers, await request.body(), datetime.now(UTC)))
    except Forbidden as error:
        log.warning("inbound.refused", provider=provider, tenant=tenant, reason=error.detail)
        raise
    if raw is None or not raw.strip():
        return StoredView(outcome="ignored", mail_id=None)

    async def keep(work: UnitOfWork) -> UUID:
        context.wake_after(work, "mails")
        return await store_mail(work, tenant, raw)

    # Not every provider repeats what is answered with 409.
    mail_id = await retry_transaction(lambda: context.service.database.tenant(tenant), keep)
    return StoredView(outcome="received", mail_id=mail_id)


@router.get("/leads/{lead_id}/conversation")
async def read_conversation(
    lead_id: UUID, principal: Viewer, work: TenantWork, limit: Limit = 200, cursor: str | None = None
) -> Page[Utterance]:
    """The messages to and from the lead, oldest first; refused ones with the reason."""
    after = None
    if cursor:
        position = decode_cursor(cursor, at=moment, id=UUID)
        after = (position["at"], position["id"])
    kept = (await resolve(work, [(principal.tenant, lead_id)]))[principal.tenant, lead_id]
    if await lead_of(work, principal.tenant, kept) is None:
        raise NotFound("no such lead")
    of_lead = await lead_ids_of(work, principal.tenant, kept)
    rows = await store.conversation(work, principal.tenant, of_lead, after, limit + 1)
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        more = encode_cursor({"at": last["at"].isoformat(), "id": str(last["id"])})
    return Page(items=[Utterance.model_validate(dict(row)) for row in rows[:limit]], next_cursor=more)

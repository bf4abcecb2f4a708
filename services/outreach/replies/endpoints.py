"""The HTTP API of replies: what comes in, what people make of it, and the conversation with a lead."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from sqlalchemy import RowMapping

from services.outreach import twilio
from services.outreach.context import context_of
from services.outreach.replies import store
from services.outreach.replies.schemas import InboundSms, Label, LabelBody, ReplyView, TakenView, Utterance
from services.outreach.replies.use_cases import labels, taking
from services.outreach.store import family, lead_of
from shared.errors import Invalid, Malformed, NotFound, UnsupportedMedia
from shared.events.envelope import errors_of
from shared.http import (
    Limit,
    OperatorOrService,
    Page,
    Reviewer,
    TenantWork,
    Viewer,
    decode_cursor,
    encode_cursor,
)
from shared.http.pages import moment
from shared.store.aliases import resolve

router = APIRouter(tags=["replies"])


def _view(row: RowMapping) -> ReplyView:
    return ReplyView(text=row["newest"], **{name: row[name] for name in ReplyView.model_fields if name != "text"})


@router.post("/replies", status_code=202)
async def take_reply(request: Request, principal: OperatorOrService, work: TenantWork) -> TakenView:
    """A raw mail (`message/rfc822`): a reply, our own copy, a delivery report."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "message/rfc822":
        raise UnsupportedMedia("send the raw mail as message/rfc822")
    raw = await request.body()
    if not raw.strip():
        raise Invalid("the mail is empty")
    context = context_of(request)
    taken = await taking.take_mail(work, context.keys, context.settings.mail_domain, principal.tenant, raw)
    context.wake_after(work, "composer")
    return TakenView(reply_id=taken.reply_id, outcome=taken.outcome)


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
    """Replies, the newest first; with `needs_human` those that no rule was sure of."""
    before = None
    if cursor:
        position = decode_cursor(cursor, at=moment, id=UUID)
        before = (position["at"], position["id"])
    names = None
    if lead_id:
        kept = (await resolve(work, [(principal.tenant, lead_id)]))[principal.tenant, lead_id]
        names = await family(work, principal.tenant, kept)
    filters = {"needs_human": needs_human, "label": label, "lead_id": names}
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
    """What a human makes of the reply. Mending an `opt_out` needs an operator and a note."""
    context, is_operator = context_of(request), principal.at_least("operator")
    row = await labels.label(
        work, context.keys, principal.tenant, reply_id, body.label, principal.actor, body.note, is_operator
    )
    context.wake_after(work, "composer")
    return _view(row)


@router.post("/sms/inbound", status_code=202, response_model=None)
async def take_sms(
    request: Request, tenant: Annotated[str | None, Query(description="Only in a provider's signed request")] = None
) -> TakenView | Response:
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
        given = await json_of(request)
    try:
        sms = InboundSms.model_validate(given)
    except ValidationError as error:
        raise Invalid("the SMS cannot be taken as it is", errors_of(error)) from None
    async with context.service.database.tenant(owner) as work:
        taken = await taking.take_sms(work, context.keys, owner, sms.from_.replace(" ", ""), sms.body, sms.message_sid)
        context.wake_after(work, "composer")
    if form:
        return Response("<Response/>", 200, media_type="text/xml")
    return TakenView(reply_id=taken.reply_id, outcome=taken.outcome)


async def json_of(request: Request) -> dict[str, Any]:
    """The body as a JSON object; Malformed when it is none."""
    try:
        content = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise Malformed(f"the body is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise Invalid("the body is no JSON object")
    return content


@router.get("/leads/{lead_id}/conversation")
async def read_conversation(lead_id: UUID, principal: Viewer, work: TenantWork) -> Page[Utterance]:
    """What was sent to the lead and what it wrote, in the order of time; what was refused says why."""
    kept = (await resolve(work, [(principal.tenant, lead_id)]))[principal.tenant, lead_id]
    if await lead_of(work, principal.tenant, kept) is None:
        raise NotFound("no such lead")
    rows = await store.conversation(work, principal.tenant, await family(work, principal.tenant, kept))
    return Page(items=[Utterance(**row) for row in rows])

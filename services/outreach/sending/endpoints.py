"""The HTTP API of dispatches, and the provider's word on SMS."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from services.outreach import twilio
from services.outreach.context import context_of
from services.outreach.schemas import Channel
from services.outreach.sending import status, store, use_cases
from services.outreach.sending.schemas import DispatchView, Resolve, SmsStatus, State, dispatch_view
from shared.errors import Invalid, Malformed, NotFound
from shared.events.envelope import errors_of
from shared.http import Limit, Operator, Page, TenantWork, Viewer, decode_cursor, encode_cursor
from shared.http.pages import moment

router = APIRouter(tags=["dispatches"])


@router.get("/dispatches")
async def list_dispatches(
    principal: Viewer,
    work: TenantWork,
    dispatch_id: UUID | None = None,
    draft_id: UUID | None = None,
    lead_id: UUID | None = None,
    channel: Channel | None = None,
    state: State | None = None,
    reason: str | None = None,
    message_id: str | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[DispatchView]:
    """Attempts to send, the newest first."""
    filters = {
        "dispatch_id": dispatch_id,
        "draft_id": draft_id,
        "lead_id": lead_id,
        "channel": channel,
        "state": state,
        "reason": reason,
        "message_id": message_id.strip("<>") if message_id else None,
    }
    before = None
    if cursor:
        position = decode_cursor(cursor, at=moment, id=UUID)
        before = (position["at"], position["id"])
    rows = await store.page(
        work, principal.tenant, {name: value for name, value in filters.items() if value is not None}, before, limit + 1
    )
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        more = encode_cursor({"at": last["created_at"].isoformat(), "id": str(last["dispatch_id"])})
    return Page(items=[dispatch_view(row) for row in rows[:limit]], next_cursor=more)


@router.get("/dispatches/{dispatch_id}")
async def read_dispatch(dispatch_id: UUID, principal: Viewer, work: TenantWork) -> DispatchView:
    """One attempt."""
    rows = await store.page(work, principal.tenant, {"dispatch_id": dispatch_id}, None, 1)
    if not rows:
        raise NotFound("no such dispatch")
    return dispatch_view(rows[0])


@router.post("/dispatches/{dispatch_id}/resolve")
async def resolve_dispatch(dispatch_id: UUID, body: Resolve, principal: Operator, work: TenantWork) -> DispatchView:
    """Say what became of a message of unknown outcome. It is never sent again."""
    await use_cases.resolve_unknown(work, principal.tenant, dispatch_id, body.outcome, body.note, principal.actor)
    return await read_dispatch(dispatch_id, principal, work)


@router.post("/sms/status")
async def take_sms_status(
    request: Request,
    tenant: Annotated[str | None, Query(description="Only in a provider's signed request")] = None,
    dispatch: Annotated[UUID | None, Query(description="Only in a provider's signed request")] = None,
) -> Response:
    """What became of an SMS: signed form fields of the provider, or JSON with a token of role `service`."""
    form = twilio.is_form(request)
    if form:
        owner, fields = await twilio.signed_form(request)
        given: Any = {
            "message_sid": fields.get("MessageSid", ""),
            "status": fields.get("MessageStatus", ""),
            "code": fields.get("ErrorCode") or None,
        }
    else:
        owner = await twilio.machine_tenant(request)
        try:
            given = orjson.loads(await request.body())
        except orjson.JSONDecodeError as error:
            raise Malformed(f"the body is not JSON: {error}") from None
    try:
        said = SmsStatus.model_validate(given)
    except ValidationError as error:
        raise Invalid("the status cannot be taken as it is", errors_of(error)) from None
    async with context_of(request).service.database.tenant(owner) as work:
        code = "" if said.code is None else str(said.code)
        state = await status.take_status(
            work, owner, said.message_sid, said.status.lower(), code, dispatch if form else None
        )
    return Response(orjson.dumps({"message_sid": said.message_sid, "state": state}), media_type="application/json")

"""The HTTP API of dispatches, and the callback for a provider's status reports on SMS."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Query, Request, Response
from pydantic import ValidationError

from services.outreach import twilio
from services.outreach.context import context_of
from services.outreach.schemas import Channel
from services.outreach.sending import store
from services.outreach.sending.rules import State
from services.outreach.sending.schemas import DispatchView, Resolve, SmsStatus, SmsStatusView, dispatch_view
from services.outreach.sending.use_cases import outcomes
from services.outreach.sending.use_cases.sms_status import apply_sms_status
from services.outreach.store import all_ids_of
from shared.db import UnitOfWork
from shared.db.retries import retry_transaction
from shared.errors import Invalid, NotFound
from shared.events.envelope import errors_of
from shared.http import Limit, Operator, Page, Router, TenantWork, Viewer, decode_cursor, encode_cursor, public
from shared.http.pages import moment

router = Router(tags=["dispatches"])


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
    """Dispatches, the newest first."""
    lead_ids = await all_ids_of(work, principal.tenant, lead_id) if lead_id else None
    filters = {
        "dispatch_id": dispatch_id,
        "draft_id": draft_id,
        "lead_id": lead_ids,
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
    """One dispatch."""
    rows = await store.page(work, principal.tenant, {"dispatch_id": dispatch_id}, None, 1)
    if not rows:
        raise NotFound("no such dispatch")
    return dispatch_view(rows[0])


@router.post("/dispatches/{dispatch_id}/resolve")
async def resolve_dispatch(dispatch_id: UUID, body: Resolve, principal: Operator, work: TenantWork) -> DispatchView:
    """Decide a message of unknown outcome: it was sent, or it failed. Either way it is never sent a second time."""
    await outcomes.resolve_unknown(work, principal.tenant, dispatch_id, body.outcome, body.note, principal.actor)
    return await read_dispatch(dispatch_id, principal, work)


# Public, because the provider has no token: the route itself checks its signature, or else the token.
@router.post(
    "/sms/status",
    dependencies=[Depends(public)],
    response_model=SmsStatusView,
    responses=twilio.REFUSALS,
    openapi_extra=twilio.described(SmsStatus),
)
async def receive_sms_status(
    request: Request,
    tenant: Annotated[str | None, Query(description="Only in a provider's signed request")] = None,
    dispatch: Annotated[UUID | None, Query(description="Only in a provider's signed request")] = None,
) -> Response:
    """A status report on an SMS: signed form fields of the provider, or JSON with a token of role `service`."""
    form = twilio.is_form(request)
    if form:
        owner, fields = await twilio.signed_form(request)
        given: dict[str, Any] = {
            "message_sid": fields.get("MessageSid", ""),
            "status": fields.get("MessageStatus", ""),
            "code": fields.get("ErrorCode") or None,
        }
    else:
        owner = await twilio.machine_tenant(request)
        given = await twilio.json_body(request)
    try:
        report = SmsStatus.model_validate(given)
    except ValidationError as error:
        raise Invalid("the status report is not valid", errors_of(error)) from None
    code = "" if report.code is None else str(report.code)

    async def apply(work: UnitOfWork) -> str:
        ours = dispatch if form else None
        return await apply_sms_status(work, owner, report.message_sid, report.status.lower(), code, ours)

    # The provider does not repeat it.
    state = await retry_transaction(lambda: context_of(request).service.database.tenant(owner), apply)
    return Response(orjson.dumps({"message_sid": report.message_sid, "state": state}), media_type="application/json")

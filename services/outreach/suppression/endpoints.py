"""The HTTP API of the suppression list, and the public page behind the unsubscribe link."""

from typing import Any, Literal
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.outreach.context import context_of
from services.outreach.keys import Unsubscribe
from services.outreach.store import lead_of
from services.outreach.suppression import store, use_cases
from services.outreach.suppression.schemas import NewSuppression, SuppressionView
from services.outreach.suppression.use_cases import SuppressionRequest
from shared.db import Row, UnitOfWork
from shared.db.retries import retry_transaction
from shared.errors import NotFound
from shared.http import Limit, Once, Operator, Page, Router, TenantWork, Viewer, decode_cursor, encode_cursor, public

router = Router(tags=["suppression"])


def _view(row: Row) -> dict[str, Any]:
    names = ("suppression_id", "channel", "address", "domain", "how", "reason", "actor", "created_at", "retracted_at")
    return {name: row[name] for name in names}


@router.get("/suppressions")
async def list_suppressions(
    principal: Viewer,
    work: TenantWork,
    channel: Literal["email", "sms", "all"] | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[SuppressionView]:
    """The suppression list, the newest first. Rows are never removed; a retracted one has `retracted_at`."""
    before = decode_cursor(cursor, before=UUID)["before"] if cursor else None
    rows = await store.page(work, principal.tenant, channel, before, limit + 1)
    more = encode_cursor({"before": str(rows[limit - 1]["suppression_id"])}) if len(rows) > limit else None
    return Page(items=[SuppressionView.model_validate(_view(row)) for row in rows[:limit]], next_cursor=more)


@router.post("/suppressions", status_code=201, response_model=SuppressionView)
async def create_suppression(
    body: NewSuppression, principal: Operator, work: TenantWork, request: Request, once: Once
) -> Response:
    """Suppress an address on one channel, or for good (`all`), or a whole mail domain.

    A domain closes its leads for good, on all channels, also where `email` is given: the answer has `all`.
    """
    context, tenant = context_of(request), principal.tenant

    async def run() -> dict[str, Any]:
        if body.domain is not None:
            id_ = await use_cases.suppress_domain(work, context.keys, tenant, body.domain, principal.actor, body.reason)
            context.wake_after(work, "domains")
        else:
            suppression = SuppressionRequest(body.channel, "operator", principal.actor, body.reason)
            address = body.address or ""
            id_ = await use_cases.suppress_address(work, context.keys, tenant, address, suppression)
        row = await store.get(work, tenant, id_)
        if row is None:
            raise NotFound("no such suppression")
        return _view(row)

    return await once(run)


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>{title}</title>
<style>body{{font:16px system-ui;max-width:32rem;margin:4rem auto;padding:0 1rem}}
button{{font:inherit;padding:.5rem 1rem}}</style>
</head><body><h1>{title}</h1>{content}</body></html>"""


def _content_of(request: Request, token: str) -> Unsubscribe:
    content = context_of(request).keys.read_unsubscribe_token(token)
    if content is None:
        raise NotFound("this unsubscribe link is not valid")
    return content


@router.head("/unsubscribe/{token}", dependencies=[Depends(public)], include_in_schema=False)
@router.get("/unsubscribe/{token}", dependencies=[Depends(public)], response_class=HTMLResponse)
async def unsubscribe_page(token: str, request: Request) -> HTMLResponse:
    """A page with a button. Reading it changes nothing, because mail scanners follow links."""
    _content_of(request, token)
    # A form without an action is sent to the address of its page, whatever path a proxy puts before ours.
    button = '<form method="post"><button>Unsubscribe</button></form>'
    content = f"<p>Press the button, and we will not write to you again.</p>{button}"
    return HTMLResponse(_PAGE.format(title="Unsubscribe", content=content), headers={"Cache-Control": "no-store"})


@router.post("/unsubscribe/{token}", dependencies=[Depends(public)], response_class=HTMLResponse)
async def unsubscribe(token: str, request: Request) -> HTMLResponse:
    """One click (RFC 8058), or the page's button. Repeating it changes nothing."""
    link = _content_of(request, token)
    opt_out = SuppressionRequest(link.channel, "unsubscribe", "system:unsubscribe-link")

    async def close(work: UnitOfWork) -> None:
        lead = await lead_of(work, link.tenant, link.lead_id)
        if lead is None:
            await use_cases.suppress_hash(work, link.tenant, opt_out, link.channel, link.address_hash)
        else:
            await use_cases.opt_out_lead(work, lead, opt_out, also=(link.channel, link.address_hash))

    # A mail program does not repeat the click.
    await retry_transaction(lambda: context_of(request).service.database.tenant(link.tenant), close)
    content = "<p>We will not write to you again.</p>"
    return HTMLResponse(
        _PAGE.format(title="You are unsubscribed", content=content), headers={"Cache-Control": "no-store"}
    )

"""The HTTP API of what the whole service shares: the tenant's settings, and the outreach mode of a lead."""

from typing import Any
from uuid import UUID

from fastapi import Request, Response

from services.outreach import store
from services.outreach.context import context_of
from services.outreach.schemas import ModeBody, ModeView, OutreachSettings, SettingsBody, SettingsView
from services.outreach.use_cases import modes, tenant_settings
from shared.errors import NotFound
from shared.http import Admin, IfMatch, Operator, Router, TenantWork, Viewer, etag
from shared.store.aliases import resolve

router = Router(tags=["outreach"])


_NO_WINDOW = {
    "field": "window",
    "message": "no sending window is set: approved messages leave at once, also at night where the lead is;"
    ' set one such as {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}',
}
"""The warning of a tenant that has not chosen its window yet."""


def _settings_answer(settings: OutreachSettings, tenant: str, mail_domain: str) -> dict[str, Any]:
    content = settings.model_dump(mode="json", by_alias=True)
    boxes = store.mailboxes_of(settings, tenant, mail_domain)
    shown = {"mailboxes": [box.model_dump(mode="json", by_alias=True) for box in boxes]}
    return content | shown | {"warnings": [_NO_WINDOW] if settings.window is None else []}


@router.get("/settings", response_model=SettingsView)
async def read_settings(principal: Viewer, work: TenantWork, request: Request, response: Response) -> dict[str, Any]:
    """The tenant's settings, with the defaults where it set none."""
    response.headers["ETag"] = etag(await store.settings_version(work, principal.tenant))
    settings = await store.settings_of(work, principal.tenant)
    return _settings_answer(settings, principal.tenant, context_of(request).settings.mail_domain)


@router.put("/settings", response_model=SettingsView)
async def save_settings(
    body: SettingsBody,
    principal: Admin,
    work: TenantWork,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Save settings; those left out stay. A changed mode is announced for each lead that follows the tenant's."""
    context = context_of(request)
    saved, version = await tenant_settings.save(work, principal.tenant, body, context.settings, if_match)
    response.headers["ETag"] = etag(version)
    context.wake_after(work, "modes", "sender", "exhaustion")
    return _settings_answer(saved, principal.tenant, context.settings.mail_domain)


@router.get("/leads/{lead_id}/mode")
async def read_mode(lead_id: UUID, principal: Viewer, work: TenantWork) -> ModeView:
    """The mode that counts for the lead, and whether it is the lead's own or the tenant's."""
    kept = (await resolve(work, [(principal.tenant, lead_id)]))[principal.tenant, lead_id]
    lead = await store.lead_of(work, principal.tenant, kept)
    if lead is None or not lead.captured:
        raise NotFound("no such lead")
    settings = await store.settings_of(work, principal.tenant)
    return ModeView(lead_id=kept, mode=lead.mode or settings.mode, own=lead.mode is not None)


@router.put("/leads/{lead_id}/mode")
async def set_mode(lead_id: UUID, body: ModeBody, principal: Operator, work: TenantWork) -> ModeView:
    """Give the lead its own mode, or with null the tenant's."""
    kept = (await resolve(work, [(principal.tenant, lead_id)]))[principal.tenant, lead_id]
    mode = await modes.set_lead_mode(work, principal.tenant, kept, body.mode)
    return ModeView.model_validate({"lead_id": kept, "mode": mode, "own": body.mode is not None})

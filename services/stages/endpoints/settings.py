"""Routes for the tenant's settings, and the moves that a change of them would bring."""

from typing import Any

from fastapi import Request

from services.stages.schemas import SettingsBody
from services.stages.store import settings
from services.stages.use_cases.settings import change_settings, dry_run_settings
from shared.http import Admin, Router, TenantWork, Viewer

router = Router(tags=["stages"])


@router.get("/settings")
async def read_settings(principal: Viewer, work: TenantWork) -> dict[str, Any]:
    """The tenant's present checklist, thresholds and periods."""
    return (await settings.present(work)).to_json()


@router.put("/settings")
async def write_settings(body: SettingsBody, principal: Admin, work: TenantWork) -> dict[str, Any]:
    """Change the settings from now on. The settings of its time still decide about an older signal."""
    return (await change_settings(work, body.over, principal.actor)).to_json()


@router.post("/settings/dry-run")
async def try_settings(body: SettingsBody, principal: Admin, request: Request) -> dict[str, Any]:
    """The moves that these settings would bring, now and within 30 days."""
    return await dry_run_settings(request.app.state.service.database, principal.tenant, body.over)

"""The HTTP API of the stage service: the tenant's settings, and what a change of them would move."""

from typing import Any

from fastapi import APIRouter, Request

from services.stages.rules import Settings
from services.stages.schemas import SettingsBody
from services.stages.store import settings
from services.stages.use_cases import dry_run
from shared.http import Admin, TenantWork, Viewer

router = APIRouter(tags=["stages"])


@router.get("/settings")
async def read_settings(principal: Viewer, work: TenantWork) -> dict[str, Any]:
    """The tenant's checklist, thresholds and periods as they are now."""
    return (await settings.present(work)).to_json()


@router.put("/settings")
async def write_settings(body: SettingsBody, principal: Admin, work: TenantWork) -> dict[str, Any]:
    """New settings from now on. Older signals are still judged by the settings of their time."""
    changed = body.over(await settings.present(work))
    await settings.add_version(work, changed, principal.actor)
    return Settings.from_json(changed).to_json()


@router.post("/settings/dry-run")
async def try_settings(body: SettingsBody, principal: Admin, request: Request) -> dict[str, Any]:
    """Which leads would move, now and within 30 days, if these were the settings."""
    return await dry_run.try_settings(request.app.state.service.database, principal.tenant, body.over)

"""Routes for the tenant's settings, and the moves that a change of them would bring."""

from fastapi import Request

from services.stages.schemas.answers import DryRunView, SettingsView
from services.stages.schemas.requests import SettingsBody
from services.stages.store import settings
from services.stages.use_cases.settings import change_settings, dry_run_settings
from shared.http import Admin, Router, TenantWork, Viewer

router = Router(tags=["stages"])


@router.get("/settings", response_model_exclude_unset=True)
async def read_settings(principal: Viewer, work: TenantWork) -> SettingsView:
    """The tenant's present checklist, thresholds and periods."""
    return SettingsView.model_validate((await settings.present(work)).to_json())


@router.put("/settings", response_model_exclude_unset=True)
async def write_settings(body: SettingsBody, principal: Admin, work: TenantWork) -> SettingsView:
    """Change the settings from now on. The settings of its time still decide about an older signal."""
    return SettingsView.model_validate((await change_settings(work, body.over, principal.actor)).to_json())


@router.post("/settings/dry-run")
async def try_settings(body: SettingsBody, principal: Admin, request: Request) -> DryRunView:
    """The moves that these settings would bring, now and within 30 days."""
    database = request.app.state.service.database
    return DryRunView.model_validate(await dry_run_settings(database, principal.tenant, body.over))

"""The enrichment API."""

from typing import Any
from uuid import UUID

from fastapi import Depends, Request

from services.enrichment import store, use_cases
from services.enrichment.schemas import Company, DirectoryBody, DirectoryOut, FactsOut, SettingsBody, read_directory
from shared.http import (
    Admin,
    Limit,
    Operator,
    Page,
    ReviewerOrService,
    Router,
    TenantWork,
    Viewer,
    decode_cursor,
    encode_cursor,
    large_body,
)
from shared.http.pages import text

router = Router(tags=["enrichment"])


@router.get("/leads/{lead_id}/facts", response_model=FactsOut)
async def get_facts(lead_id: UUID, principal: Viewer, work: TenantWork) -> Any:
    return FactsOut.of(await use_cases.read_facts(work, principal.tenant, lead_id))


@router.post("/leads/{lead_id}/enrich", status_code=202, response_model=FactsOut)
async def enrich_lead(lead_id: UUID, principal: ReviewerOrService, work: TenantWork) -> Any:
    """Enrich the lead now. The facts are published as `lead.enriched`; 409 while enrichment is switched off."""
    return FactsOut.of(await use_cases.enrich_now(work, principal.tenant, lead_id))


@router.get("/settings", response_model=SettingsBody)
async def get_settings(principal: Viewer, work: TenantWork) -> Any:
    return {"enabled": not await store.disabled_tenants(work, [principal.tenant])}


@router.put("/settings", response_model=SettingsBody)
async def put_settings(body: SettingsBody, principal: Admin, work: TenantWork) -> Any:
    """Switch enrichment on or off for leads that are captured or changed from now on.

    After switching it on, older leads can be enriched on request, one by one.
    """
    await store.set_enabled(work, principal.tenant, body.enabled, principal.actor)
    return body


@router.get("/directory", response_model=Page[Company])
async def list_directory(principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None) -> Any:
    after = decode_cursor(cursor, after=text)["after"] if cursor else ""
    rows = await store.directory_page(work, principal.tenant, after, limit + 1)
    items = [{"domain": row["domain"], **row["facts"]} for row in rows[:limit]]
    more = len(rows) > limit
    return {"items": items, "next_cursor": encode_cursor({"after": items[-1]["domain"]}) if more else None}


@router.put(
    "/directory",
    dependencies=[Depends(large_body)],
    response_model=DirectoryOut,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": DirectoryBody.model_json_schema()},
                "text/csv": {"schema": {"type": "string"}},
            },
        }
    },
)
async def put_directory(request: Request, principal: Operator, work: TenantWork) -> Any:
    """Replace the tenant's company table: JSON `{"items": [...]}`, or CSV with the same names in its first line."""
    content_type = request.headers.get("content-type", "application/json")
    companies = {
        company.domain: company.model_dump(exclude={"domain"}, exclude_none=True)
        for company in read_directory(await request.body(), content_type)
    }
    await store.replace_directory(work, principal.tenant, companies)
    return {"companies": len(companies)}

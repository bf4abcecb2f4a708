"""The enrichment API."""

from typing import Any
from uuid import UUID

from fastapi import Depends, Request
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from services.enrichment.schemas import (
    Company,
    DirectoryBody,
    DirectoryOut,
    FactsOut,
    ProviderOut,
    ProvidersBody,
    SettingsBody,
    read_directory,
)
from services.enrichment.store import directory
from services.enrichment.store import leads as store
from services.enrichment.use_cases import leads, providers
from services.enrichment.use_cases.directory import replace_directory
from shared.errors import Invalid
from shared.events.envelope import errors_of
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
from shared.http.openapi import schema_of
from shared.http.pages import number

router = Router(tags=["enrichment"])


@router.get("/leads/{lead_id}/facts", response_model=FactsOut)
async def get_facts(lead_id: UUID, principal: Viewer, work: TenantWork) -> Any:
    """What is known about a lead and its company, each fact with its source and age."""
    return FactsOut.of(await leads.read_facts(work, principal.tenant, lead_id), work.now)


@router.post("/leads/{lead_id}/enrich", status_code=202, response_model=FactsOut)
async def enrich_lead(lead_id: UUID, principal: ReviewerOrService, work: TenantWork, request: Request) -> Any:
    """Enrich the lead now. The facts are published as `lead.enriched`; 409 while enrichment is switched off.

    The answer has what is known now; what providers answer to this request is published when it is known.
    """
    work.after_commit.append(lambda: request.app.state.service.wake("lookups"))
    return FactsOut.of(await leads.enrich_now(work, principal.tenant, lead_id), work.now)


@router.get("/settings", response_model=SettingsBody)
async def get_settings(principal: Viewer, work: TenantWork) -> Any:
    """Whether leads are enriched."""
    return {"enabled": not await store.disabled_tenants(work, [principal.tenant])}


@router.put("/settings", response_model=SettingsBody)
async def put_settings(body: SettingsBody, principal: Admin, work: TenantWork) -> Any:
    """Switch enrichment on or off for leads that are captured or changed from now on.

    After switching it on, older leads can be enriched on request, one by one.
    """
    await store.set_enabled(work, principal.tenant, body.enabled, principal.actor)
    return body


@router.get("/providers", response_model=Page[ProviderOut])
async def list_providers(principal: Viewer, work: TenantWork) -> Any:
    """The providers that the tenant has configured, in the order in which their facts count, and how they are doing."""
    return {"items": await providers.configured(work, principal.tenant), "next_cursor": None}


@router.put(
    "/providers",
    response_model=Page[ProviderOut],
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": schema_of(ProvidersBody)}}}},
)
async def put_providers(body: dict[str, Any], principal: Admin, work: TenantWork, request: Request) -> Any:
    """Replace all providers. Leads that are captured, changed or enriched on request from now on ask them.

    The values of headers are never shown again. Sent back as they are shown (`********`), they stay as they are.
    """
    try:
        wanted = ProvidersBody.model_validate(body, context={"allowed": request.app.state.allowed_hosts})
    except ValidationError as error:
        errors = errors_of(error)
        raise Invalid("; ".join(f"{one['field']}: {one['message']}" for one in errors[:5]), errors[:100]) from None
    await providers.configure(work, principal.tenant, wanted.items, principal.actor)
    return {"items": await providers.configured(work, principal.tenant), "next_cursor": None}


@router.get("/directory", response_model=Page[Company])
async def list_directory(principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None) -> Any:
    """The uploaded companies, in the order of the upload."""
    after = decode_cursor(cursor, after=number)["after"] if cursor else 0
    rows = await directory.page(work, principal.tenant, after, limit + 1)
    items = [{"domain": row["domain"], **row["facts"]} for row in rows[:limit]]
    more = len(rows) > limit
    return {"items": items, "next_cursor": encode_cursor({"after": rows[limit - 1]["id"]}) if more else None}


@router.put(
    "/directory",
    dependencies=[Depends(large_body)],
    response_model=DirectoryOut,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": schema_of(DirectoryBody)},
                "text/csv": {"schema": {"type": "string"}},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {"file": {"type": "string", "format": "binary"}},
                    }
                },
            },
        }
    },
)
async def put_directory(request: Request, principal: Operator, work: TenantWork) -> Any:
    """Replace the tenant's company table: JSON `{"items": [...]}`, or CSV with the same names in its first line.

    A company is found by its domain, or by its name where only one company has it. Of rows with the same domain the
    last one counts.
    """
    content_type = request.headers.get("content-type", "application/json")
    body = await request.body()
    if content_type.lower().startswith("multipart/form-data"):
        body, content_type = await _uploaded(request)
    return await replace_directory(work, principal.tenant, read_directory(body, content_type))


async def _uploaded(request: Request) -> tuple[bytes, str]:
    """The content and type of the part `file`."""
    async with request.form(max_files=1, max_fields=20) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Invalid("the part `file` is missing", [{"field": "file", "message": "is missing"}])
        is_json = (file.filename or "").lower().endswith(".json") or "json" in (file.content_type or "")
        return await file.read(), "application/json" if is_json else "text/csv"

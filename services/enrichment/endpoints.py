"""The enrichment API."""

import csv
import io
from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request
from pydantic import ValidationError

from services.enrichment import store, use_cases
from services.enrichment.schemas import Company, DirectoryBody, DirectoryOut, FactsOut, SettingsBody
from shared.errors import Invalid, Malformed, UnsupportedMedia
from shared.events.envelope import errors_of
from shared.http import (
    Admin,
    Limit,
    Operator,
    Page,
    ReviewerOrService,
    TenantWork,
    Viewer,
    decode_cursor,
    encode_cursor,
)
from shared.http.pages import text

router = APIRouter(tags=["enrichment"])


@router.get("/leads/{lead_id}/facts", response_model=FactsOut)
async def get_facts(lead_id: UUID, principal: Viewer, work: TenantWork) -> Any:
    return FactsOut.of(await use_cases.facts_of(work, principal.tenant, lead_id))


@router.post("/leads/{lead_id}/enrich", status_code=202, response_model=FactsOut)
async def enrich_lead(lead_id: UUID, principal: ReviewerOrService, work: TenantWork) -> Any:
    """Enrich again now. What the answer says is published as `lead.enriched`; 409 while switched off."""
    return FactsOut.of(await use_cases.enrich_now(work, principal.tenant, lead_id))


@router.get("/settings", response_model=SettingsBody)
async def get_settings(principal: Viewer, work: TenantWork) -> Any:
    return {"enabled": not await store.switched_off(work, [principal.tenant])}


@router.put("/settings", response_model=SettingsBody)
async def put_settings(body: SettingsBody, principal: Admin, work: TenantWork) -> Any:
    """Leads captured or changed from now on are enriched, or not. The others can be asked for one by one."""
    await store.switch(work, principal.tenant, body.enabled, principal.actor)
    return body


@router.get("/directory", response_model=Page[Company])
async def list_directory(principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None) -> Any:
    after = decode_cursor(cursor, after=text)["after"] if cursor else ""
    rows = await store.list_directory(work, principal.tenant, after, limit + 1)
    items = [{"domain": row["domain"], **row["facts"]} for row in rows[:limit]]
    more = len(rows) > limit
    return {"items": items, "next_cursor": encode_cursor({"after": items[-1]["domain"]}) if more else None}


@router.put(
    "/directory",
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
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    body = await request.body()
    if kind == "text/csv":
        items = _from_csv(body)
    elif kind == "application/json" or kind.endswith("+json"):
        items = _from_json(body)
    else:
        raise UnsupportedMedia("send application/json or text/csv")
    try:
        companies = DirectoryBody.model_validate({"items": items}).items
    except ValidationError as error:
        found = errors_of(error)
        raise Invalid("; ".join(f"{one['field']}: {one['message']}" for one in found[:5]), found[:100]) from None
    rows = {company.domain: company.model_dump(exclude={"domain"}, exclude_none=True) for company in companies}
    await store.replace_directory(work, principal.tenant, rows)
    return {"companies": len(rows)}


def _from_json(body: bytes) -> Any:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("the body is not JSON") from None
    return content.get("items") if isinstance(content, dict) else None


def _from_csv(body: bytes) -> list[dict[str, str]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Malformed("the file is not UTF-8") from None
    delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    try:
        rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise Malformed(f"the file is not CSV: {error}") from None
    return [{name: value for name, value in row.items() if name and isinstance(value, str)} for row in rows]

"""Routes about the person behind a lead: the history of consent, and the export."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.capture.endpoints.leads import Normaliser
from services.capture.schemas.persons import ConsentChangeOut, ConsentTextOut, ExportOut
from services.capture.use_cases import persons as use_cases
from shared.http import Limit, Operator, Page, Router, TenantWork, ViewerOrService, decode_cursor, encode_cursor
from shared.http.pages import number

router = Router(tags=["persons"])


def _change_out(row: Mapping[str, Any]) -> ConsentChangeOut:
    text = None
    if row["content"] is not None:
        text = ConsentTextOut(form=row["form_token"], version=row["version"], text=row["content"])
    fields = {name: row[name] for name in ConsentChangeOut.model_fields if name != "text"}
    return ConsentChangeOut(**fields, text=text)


@router.get("/leads/{lead_id}/consent")
async def list_consent_changes(
    principal: ViewerOrService, work: TenantWork, lead_id: UUID, limit: Limit = 50, cursor: str | None = None
) -> Page[ConsentChangeOut]:
    """Every change of the lead's consent, the oldest first: source, time, basis, and the text that was agreed to.

    The changes of its aliases are among them.
    """
    after = decode_cursor(cursor, after=number)["after"] if cursor else 0
    rows = await use_cases.consent_history(work, principal.tenant, lead_id, after=after, limit=limit)
    more = encode_cursor({"after": rows[-1]["number"]}) if len(rows) == limit else None
    return Page(items=[_change_out(row) for row in rows], next_cursor=more)


@router.get("/leads/{lead_id}/export")
async def export_person(principal: Operator, work: TenantWork, lead_id: UUID, normaliser: Normaliser) -> ExportOut:
    """Everything that capture holds about the person, and the routes by which the other services answer."""
    found = await use_cases.export(work, principal.tenant, lead_id, normaliser)
    return ExportOut(**{**found, "consent_history": [_change_out(row) for row in found["consent_history"]]})

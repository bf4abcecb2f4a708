"""HTTP routes of reports."""

from collections.abc import AsyncIterator
from datetime import UTC
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import StreamingResponse

from services.goals.endpoints.report_csv import COLUMNS, csv_lines
from services.goals.schemas import ReportView
from services.goals.use_cases import reports
from shared.db import Database
from shared.http import Limit, Page, Router, TenantWork, Viewer, decode_cursor, encode_cursor
from shared.http.pages import moment

router = Router(tags=["goals"])


@router.get("/goals/{goal_id}/reports", response_model=Page[ReportView])
async def list_reports(
    goal_id: UUID, principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None
) -> Any:
    """The closed periods of a goal, newest first."""
    before = None
    if cursor:
        position = decode_cursor(cursor, start=moment, id=UUID)
        before = (position["start"], position["id"])
    items = await reports.list_reports(work, principal.tenant, goal_id, before=before, limit=limit)
    last = items[-1] if len(items) == limit else None
    return {
        "items": items,
        "next_cursor": encode_cursor(
            {"start": last["period_start"].astimezone(UTC).isoformat(), "id": str(last["report_id"])}
        )
        if last
        else None,
    }


@router.get(
    "/goals/{goal_id}/reports/{report_id}/rows",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def report_rows(goal_id: UUID, report_id: UUID, principal: Viewer, work: TenantWork, request: Request) -> Any:
    """The rows that a report counted, as CSV."""
    report = await reports.find_report(work, principal.tenant, goal_id, report_id)
    name = f"goal-{goal_id}-{report['first_day']}.csv"
    return StreamingResponse(
        _csv(request.app.state.service.database, principal.tenant, report_id),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _csv(database: Database, tenant: str, report_id: UUID) -> AsyncIterator[str]:
    yield csv_lines([COLUMNS])
    async for rows in reports.report_pages(database, tenant, report_id):
        yield csv_lines([row[column] for column in COLUMNS] for row in rows)

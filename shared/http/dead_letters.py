"""The HTTP API of dead letters, the same for every service: list, show, replay."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Request

from shared.http.auth import Operator
from shared.http.pages import Limit, decode_cursor, encode_cursor
from shared.http.router import Router
from shared.http.tenancy import TenantWork
from shared.messaging.dead_letters import replay
from shared.store import dead_letters

router = Router(tags=["dead letters"])


@router.get("/dead-letters")
async def list_letters(principal: Operator, work: TenantWork, limit: Limit = 50, cursor: str | None = None) -> Any:
    before = decode_cursor(cursor, before=UUID)["before"] if cursor else None
    items = await dead_letters.page(work, before=before, limit=limit)
    last = encode_cursor({"before": str(items[-1]["id"])}) if len(items) == limit else None
    return {"items": items, "next_cursor": last}


@router.get("/dead-letters/{id}")
async def show_letter(id: Annotated[UUID, Path()], principal: Operator, work: TenantWork) -> Any:
    return await dead_letters.show(work, id)


@router.post("/dead-letters/{id}/replay", status_code=202)
async def replay_letter(id: Annotated[UUID, Path()], principal: Operator, work: TenantWork, request: Request) -> Any:
    await replay(work, request.app.state.service.kafka, id)
    return {"id": id, "replayed": True}

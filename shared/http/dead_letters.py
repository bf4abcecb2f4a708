"""The HTTP API of dead letters, the same for every service: list, show, replay."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request
from pydantic import BaseModel

from shared.http.auth import Operator, OperatorOrService
from shared.http.pages import Limit, Page, decode_cursor, encode_cursor
from shared.http.router import Router
from shared.http.tenancy import TenantWork
from shared.messaging.dead_letters import replay
from shared.store import dead_letters

router = Router(tags=["dead letters"])

Filter = Annotated[str | None, Query(max_length=1_000)]


class DeadLetterView(BaseModel):
    """A record that this service could not process. Each service that reads its topic has one of its own."""

    id: UUID
    topic: str
    event_id: str | None
    source: str | None
    """The publisher, as the event names it."""
    error: str
    at: datetime
    replayed_at: datetime | None


class WholeDeadLetter(DeadLetterView):
    """A dead letter with its record. Bytes that are not UTF-8 are shown replaced; a machine does not see the record."""

    kafka_partition: int
    kafka_offset: int | None
    """None for a record of a Kafka cluster that was replaced by another."""
    subject: str | None
    key: str | None = None
    value: str | None = None
    headers: dict[str, str | None] | None = None


class Replayed(BaseModel):
    """The dead letter that was published again."""

    id: UUID
    replayed: bool


@router.get("/dead-letters")
async def list_letters(
    principal: OperatorOrService,
    work: TenantWork,
    event_id: Filter = None,
    source: Filter = None,
    topic: Filter = None,
    with_replayed: bool = False,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[DeadLetterView]:
    """The tenant's records that this service could not process and nobody has replayed, the newest first."""
    before = decode_cursor(cursor, before=UUID)["before"] if cursor else None
    items = await dead_letters.page(
        work, before=before, limit=limit, with_replayed=with_replayed, event_id=event_id, source=source, topic=topic
    )
    last = encode_cursor({"before": str(items[-1]["id"])}) if len(items) == limit else None
    return Page(items=[DeadLetterView.model_validate(item) for item in items], next_cursor=last)


@router.get("/dead-letters/{id}", response_model=WholeDeadLetter, response_model_exclude_unset=True)
async def show_letter(id: Annotated[UUID, Path()], principal: OperatorOrService, work: TenantWork) -> Any:
    """One dead letter; for people with the record as it was received."""
    letter = await dead_letters.show(work, id)
    if principal.is_service:
        return {name: value for name, value in letter.items() if name not in ("key", "value", "headers")}
    return letter


@router.post("/dead-letters/{id}/replay", status_code=202)
async def replay_letter(
    id: Annotated[UUID, Path()], principal: Operator, work: TenantWork, request: Request
) -> Replayed:
    """Publish the record again as it was received. Services that have processed the event ignore it."""
    await replay(work, request.app.state.service.kafka, id)
    return Replayed(id=id, replayed=True)

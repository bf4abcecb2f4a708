"""Republish: publish state as events again, under their old ids. Services that know them ignore them; a new service
builds its state from them.

A service that publishes state-carrying events has `services/<name>/republish.py` with `PAGES`: for each type, a
function that reads one page of the present state. Repetitions carry no `ce_sequence`: they are not new events.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from uuid import UUID

from shared.db import Database, UnitOfWork
from shared.errors import Invalid
from shared.events.base import Event
from shared.names import SERVICES
from shared.store import outbox

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class StateEvent:
    """An event that states the present state of a lead, with the id and the time of its first publication."""

    event: Event
    subject: UUID
    time: datetime
    event_id: str


ReadPage = Callable[[UnitOfWork, datetime, UUID | None, int], Awaitable[Sequence[StateEvent]]]
"""(work, since, the last subject of the page before, size) -> the next page, by subject."""


def pages_of(service: str) -> Mapping[str, ReadPage]:
    """What a service can republish, by event type; Invalid for a service that owns no such state."""
    try:
        module = import_module(f"services.{service}.republish")
    except ModuleNotFoundError:
        raise Invalid(f"{service} publishes no state that could be republished") from None
    pages: Mapping[str, ReadPage] = module.PAGES
    return pages


async def republish(database: Database, types: Sequence[str], tenant: str, since: datetime) -> dict[str, int]:
    """Publish the state of a tenant's leads that changed since then; the number of events by type.

    Pages of 1,000, and a page only while the outbox is short, so that the next reply does not wait behind it.
    The service's relay sends them: it, or any replica, must be running.
    """
    if database.service not in SERVICES:
        raise Invalid(f"there is no service {database.service!r}")
    known = pages_of(database.service)
    for type in types:
        if type not in known:
            raise Invalid(f"{database.service} can republish {', '.join(sorted(known))}; not {type!r}")
    return {type: await _one_type(database, known[type], tenant, since) for type in types}


async def _one_type(database: Database, read: ReadPage, tenant: str, since: datetime) -> int:
    published, last = 0, None
    while True:
        await _until_short(database)
        async with database.worker([tenant]) as work:
            page = await read(work, since, last, PAGE)
            for state in page:
                work.emit(
                    state.event,
                    tenant=tenant,
                    subject=state.subject,
                    time=state.time,
                    event_id=state.event_id,
                    repeated=True,
                )
        published += len(page)
        if len(page) < PAGE:
            return published
        last = page[-1].subject


async def _until_short(database: Database) -> None:
    while True:
        async with database.worker() as work:
            if await outbox.is_short(work):
                return
        await asyncio.sleep(0.2)

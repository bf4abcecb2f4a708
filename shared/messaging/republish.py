"""Republish: publish state as events again, under their old ids. Services that know them ignore them; a new service
builds its state from them.

A service that publishes state-carrying events has `services/<name>/republish.py` with `PAGES`: for each type, a
function that reads one page of the present state. Repetitions carry no `ce_sequence`: they are not new events.

Raise revisions: publish the state of all leads as new events, under revisions that no event ever had. A publisher that
was restored, or started empty, needs it: it counts on from an earlier revision, and readers ignore what has the id or
the revision of an event that they know. `raise_page` of the same module does it for one page of leads.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from types import ModuleType
from uuid import UUID

from shared.db import Database, UnitOfWork
from shared.errors import Conflict, Invalid
from shared.events.base import Event
from shared.limits import MAX_REVISION, REVISIONS_RAISED
from shared.names import SERVICES
from shared.store import outbox
from shared.store.leads import tenants_with_leads

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

RaisePage = Callable[[UnitOfWork, UUID | None, int], Awaitable[Mapping[UUID, int]]]
"""(work, the last lead of the page before, size) -> the tenant's next leads by id, with their revisions, which it has
raised by REVISIONS_RAISED. It publishes their state with this transaction, timed now where readers order by time."""


def pages_of(service: str) -> Mapping[str, ReadPage]:
    """What a service can republish, by event type; Invalid for a service that owns no such state."""
    pages: Mapping[str, ReadPage] = _module_of(service).PAGES
    return pages


def _module_of(service: str) -> ModuleType:
    if service not in SERVICES:
        raise Invalid(f"there is no service {service!r}")
    try:
        return import_module(f"services.{service}.republish")
    except ModuleNotFoundError:
        raise Invalid(f"{service} publishes no state that could be republished") from None


async def republish(database: Database, types: Sequence[str], tenant: str, since: datetime) -> dict[str, int]:
    """Publish the state of a tenant's leads that changed since then; the number of events by type.

    Pages of 1,000, and a page only while the outbox is short, so that the next reply does not wait behind it.
    The service's relay sends them: it, or any replica, must be running.
    """
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


async def raise_revisions(database: Database) -> int:
    """Raise the revisions of all leads of a service, and publish the state of each; the number of leads.

    Page by page, each in a transaction of its own, and while the outbox is short: the service may be at work meanwhile.
    Repeated, also after an interruption, it raises and publishes once more, which changes nothing for readers. Raises
    Invalid for a service whose events have no revisions, Conflict when one would come too near to MAX_REVISION.
    """
    raise_page: RaisePage | None = getattr(_module_of(database.service), "raise_page", None)
    if raise_page is None:
        raise Invalid(f"the events of {database.service} have no revisions that could be raised")
    async with database.worker() as work:
        tenants = await tenants_with_leads(work)
    return sum([await _raise_all(database, raise_page, tenant) for tenant in tenants])


async def _raise_all(database: Database, raise_page: RaisePage, tenant: str) -> int:
    raised, last = 0, None
    while True:
        await _until_short(database)
        async with database.worker([tenant]) as work:
            page = await raise_page(work, last, PAGE)
            if max(page.values(), default=0) > MAX_REVISION - REVISIONS_RAISED:
                raise Conflict(
                    f"revisions of {tenant} would come too near to {MAX_REVISION}, the greatest that is read"
                )
            await outbox.raise_sequences(work, tenant, page, REVISIONS_RAISED)
        raised += len(page)
        if len(page) < PAGE:
            return raised
        last = max(page)


async def _until_short(database: Database) -> None:
    while True:
        async with database.worker() as work:
            if await outbox.is_short(work):
                return
        await asyncio.sleep(0.2)

"""Lists of drafts with their leads, and the numbers of all drafts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args
from uuid import UUID

from services.outreach.drafts.store import counts as numbers
from services.outreach.drafts.store import lists as store
from services.outreach.rules import Kind
from services.outreach.store import Lead, leads_of
from shared.db import Row, UnitOfWork

STATES = ("pending", "approved", "rejected", "superseded", "expired")


@dataclass(frozen=True, slots=True)
class DraftList:
    """A page of drafts and the numbers beside it. `last`: the last draft of a page that another one follows."""

    rows: Sequence[Row]
    last: Row | None
    leads: Mapping[UUID, Lead]
    total: int
    counts: Mapping[str, Any]


async def page(
    work: UnitOfWork,
    tenant: str,
    filters: Mapping[str, Any],
    *,
    leases: store.Leases,
    snoozed: bool,
    sort: str,
    after: tuple[Any, UUID] | None,
    limit: int,
    actor: str,
    made_from: bool,
) -> DraftList:
    """A page of the drafts that fit the filters, and how many drafts there are. `actor`: whose claims are `mine`.

    The filter `lead_id` has all ids of a lead.
    """
    rows = await store.page(
        work,
        tenant,
        filters,
        leases=leases,
        snoozed=snoozed,
        sort=sort,
        after=after,
        limit=limit + 1,
        made_from=made_from,
    )
    lead_ids = filters.get("lead_id")
    counts = await (numbers.of_lead(work, tenant, lead_ids) if lead_ids else numbers.of_tenant(work, tenant))
    leads = await leads_of(work, {(tenant, row["lead_id"]) for row in rows[:limit]})
    at_work = await numbers.at_work(work, tenant, actor)
    return DraftList(
        rows=rows[:limit],
        last=rows[limit - 1] if len(rows) > limit else None,
        leads={lead_id: lead for (_, lead_id), lead in leads.items()},
        total=sum(count.n for count in counts if _fits(count, filters)),
        counts={
            "state": _by("state", STATES, counts, filters),
            "kind": _by("kind", get_args(Kind), counts, filters),
            **at_work,
        },
    )


def _by(part: str, names: Sequence[str], counts: Sequence[numbers.Count], filters: Mapping[str, Any]) -> dict[str, int]:
    """The numbers by state or kind, as far as the other filters fit."""
    others = {name: value for name, value in filters.items() if name != part}
    found = dict.fromkeys(names, 0)
    for count in counts:
        if _fits(count, others):
            found[getattr(count, part)] += count.n
    return found


def _fits(count: numbers.Count, filters: Mapping[str, Any]) -> bool:
    return all(getattr(count, name, value) == value for name, value in filters.items())

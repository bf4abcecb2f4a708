"""Queries on lists of drafts. A page costs the same however many drafts a tenant has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.outreach.drafts.tables import DraftRow
from shared.db import Row, UnitOfWork
from shared.db.columns import column_types

ORDERS = {"oldest": ("created_at", ">"), "at_risk": ("expires_at", ">"), "hottest": ("score", "<")}
"""Sort -> (column, comparison that finds what follows a position). Flat for pending drafts; `oldest` for all."""

_COLUMNS = ", ".join(f"d.{name}" for name in column_types(DraftRow) if name != "made_from")
"""Lists are read without what the drafts were made from, which is several times as large as the rest."""


@dataclass(frozen=True, slots=True)
class Leases:
    """Which pending drafts a list shows by who works on them: `claimed` by anybody or by nobody (False), `mine` by
    `actor` or by somebody else or nobody (False). None leaves it open."""

    claimed: bool | None = None
    mine: bool | None = None
    actor: str = ""


async def page(
    work: UnitOfWork,
    tenant: str,
    filters: Mapping[str, Any],
    *,
    leases: Leases,
    snoozed: bool,
    sort: str,
    after: tuple[Any, UUID] | None,
    limit: int,
    made_from: bool = False,
) -> Sequence[Row]:
    """Drafts with their texts in one of the orders. `snoozed` includes snoozed ones.

    `filters`: columns of `draft`, each with a value or a list of them.
    """
    column, comparison = ORDERS[sort]
    direction = "ASC" if comparison == ">" else "DESC"
    where, values = _conditions(filters, leases)
    if not snoozed:
        where += " AND (d.snoozed_until IS NULL OR d.snoozed_until <= :now)"
    if after:
        where += f" AND (d.{column}, d.draft_id) {comparison} (:after_value, :after_id)"
        values |= {"after_value": after[0], "after_id": after[1]}
    return await work.fetch(
        f"""
        SELECT {_COLUMNS}{", d.made_from" if made_from else ""},
               c.from_address, c.to_address, c.subject, c.body, c.headers
        FROM draft d
        JOIN content c ON c.tenant_id = d.tenant_id AND c.draft_id = d.draft_id AND c.sha256 = d.sha256
        WHERE d.tenant_id = :tenant{where}
        ORDER BY d.{column} {direction}, d.draft_id {direction} LIMIT :limit""",
        tenant=tenant,
        limit=limit,
        **({"now": work.now} if ":now" in where else {}),
        **values,
    )


def _conditions(filters: Mapping[str, Any], leases: Leases) -> tuple[str, dict[str, Any]]:
    """The conditions, and the values of their parameters. `pending` is written out: partial indexes have it so."""
    values = dict(filters)
    where = "".join(
        f" AND d.{name} = ANY (:{name})" if isinstance(value, list) else f" AND d.{name} = :{name}"
        for name, value in filters.items()
        if name != "state"
    )
    if filters.get("state") == "pending":
        where += " AND d.state = 'pending'"
        del values["state"]
    elif "state" in filters:
        where += " AND d.state = :state"
    if leases.claimed:
        where += " AND d.claimed_by IS NOT NULL AND d.lease_until > :now"
    elif leases.claimed is False:
        where += " AND (d.claimed_by IS NULL OR d.lease_until <= :now)"
    if leases.mine:
        where += " AND d.claimed_by IS NOT NULL AND d.claimed_by = :actor AND d.lease_until > :now"
    elif leases.mine is False:
        where += " AND (d.claimed_by IS DISTINCT FROM :actor OR d.lease_until <= :now)"
    return where, values | ({"actor": leases.actor} if leases.mine is not None else {})

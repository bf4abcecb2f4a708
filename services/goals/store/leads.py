"""The records of leads, loaded and stored for a whole batch at once."""

from collections.abc import Collection, Iterable, Mapping
from operator import attrgetter
from uuid import UUID

from services.goals.rules.leads import LeadRecord
from services.goals.store.statements import KEYS, attributes_of, key_parameters
from services.goals.tables import LeadRow
from shared.db import Row, UnitOfWork, array_text, by_column, rows_of
from shared.db.columns import column_types, insert_rows, select_values
from shared.ids import LeadKey

_ATTRIBUTES = {name: attribute for name, attribute in attributes_of(LeadRow).items() if name != "tenant_id"}
_FACTS = [name for name in _ATTRIBUTES if name != "lead_id"]
_INSERT = insert_rows(LeadRow)
_UPDATE = f"""
    UPDATE lead AS l SET ({", ".join(_FACTS)}) = ROW ({select_values(LeadRow, _FACTS)})
    FROM {rows_of(column_types(LeadRow))} WHERE l.tenant_id = v.tenant_id AND l.lead_id = v.lead_id
"""
_values = attrgetter(*_ATTRIBUTES.values())
_READ = {name: attribute for name, attribute in _ATTRIBUTES.items() if attribute != "furthest_step"}
"""Without what follows from the others."""


async def merges_of(work: UnitOfWork, keys: Iterable[LeadKey]) -> dict[LeadKey, UUID]:
    """The merges in which any of these ids is the alias or the lead that was kept: alias -> kept lead."""
    rows = await work.fetch(
        f"""
        SELECT a.tenant_id, a.alias_id, a.lead_id FROM unnest({KEYS}) AS w (tenant_id, id)
        JOIN alias a ON a.tenant_id = w.tenant_id AND a.alias_id = w.id AND NOT a.undone
        UNION
        SELECT a.tenant_id, a.alias_id, a.lead_id FROM unnest({KEYS}) AS w (tenant_id, id)
        JOIN alias a ON a.tenant_id = w.tenant_id AND a.lead_id = w.id AND NOT a.undone
        """,
        **key_parameters(set(keys)),
    )
    return {(row["tenant_id"], row["alias_id"]): row["lead_id"] for row in rows}


async def lock_leads(work: UnitOfWork, keys: Collection[LeadKey]) -> dict[LeadKey, LeadRecord]:
    """The records that exist, locked in one order everywhere until the transaction ends."""
    rows = await work.fetch(
        f"""
        SELECT l.* FROM unnest({KEYS}) AS w (tenant_id, lead_id)
        JOIN lead l ON l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
        ORDER BY l.tenant_id, l.lead_id FOR UPDATE OF l
        """,
        **key_parameters(keys),
    )
    return {(row["tenant_id"], row["lead_id"]): _record_of(row) for row in rows}


async def save_leads(work: UnitOfWork, records: Mapping[LeadKey, LeadRecord], known: Collection[LeadKey]) -> None:
    """Update the records that are `known` and insert the others; a unique violation where another transaction did."""
    for statement, keys in (
        (_UPDATE, sorted(key for key in records if key in known)),
        (_INSERT, sorted(key for key in records if key not in known)),
    ):
        if not keys:
            continue
        values = by_column(("tenant_id", *_ATTRIBUTES), [(key[0], *_values(records[key])) for key in keys])
        values["held_on"] = [array_text(end.isoformat() for end in ends) for ends in values["held_on"]]
        await work.run(statement, **values)


async def anonymise_leads(work: UnitOfWork, random_ids: Mapping[LeadKey, UUID], uncounted: Collection[LeadKey]) -> None:
    """Give the rows of erased leads these random ids; meetings, and the rows of ids that do not count, are deleted."""
    for table in ("meeting_signal", "lead", "step"):
        await work.run(
            f"""
            DELETE FROM {table} AS t USING unnest({KEYS}) AS w (tenant_id, lead_id)
            WHERE t.tenant_id = w.tenant_id AND t.lead_id = w.lead_id
            """,
            **key_parameters(random_ids if table == "meeting_signal" else uncounted),
        )
    for table, also in (("lead", ""), ("step", ", event_id = '', corrects = '{}'"), ("report_row", "")):
        await work.run(
            f"""
            UPDATE {table} AS t SET lead_id = w.random_id{also}
            FROM unnest({KEYS}, CAST(:random_ids AS uuid[])) AS w (tenant_id, lead_id, random_id)
            WHERE t.tenant_id = w.tenant_id AND t.lead_id = w.lead_id
            """,
            **key_parameters(random_ids),
            random_ids=list(random_ids.values()),
        )


async def leads_with_passed_meetings(work: UnitOfWork, limit: int) -> list[LeadKey]:
    """Leads with a meeting whose end has passed and that is not counted yet, the oldest first; all tenants."""
    rows = await work.fetch(
        """
        SELECT tenant_id, lead_id FROM lead WHERE due_on <= :now ORDER BY due_on LIMIT :limit
        """,
        now=work.now,
        limit=limit,
    )
    return [(row["tenant_id"], row["lead_id"]) for row in rows]


def _record_of(row: Row) -> LeadRecord:
    attributes = {attribute: row[name] for name, attribute in _READ.items()}
    attributes["held_on"] = tuple(attributes["held_on"])
    return LeadRecord(**attributes)

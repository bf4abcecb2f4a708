"""The changes of leads' consent, and the texts by which forms ask for it."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from services.capture.rules.lead import Lead
from services.capture.tables import ConsentChangeRow, ConsentTextRow
from shared.db import Row, UnitOfWork, array_parameters, by_column
from shared.db.columns import column_types, insert_rows, select_values

_CHANGE = {name: type for name, type in column_types(ConsentChangeRow).items() if name != "number"}
# The generated numbers follow the order of the changes.
_INSERT_CHANGES = f"""
    INSERT INTO consent_change ({", ".join(_CHANGE)})
    SELECT {select_values(ConsentChangeRow, _CHANGE)}
    FROM unnest({array_parameters(_CHANGE)}) WITH ORDINALITY AS v ({", ".join(_CHANGE)}, position)
    ORDER BY v.position
"""
_TEXT_COLUMNS = tuple(column_types(ConsentTextRow))
_INSERT_TEXT = insert_rows(ConsentTextRow)


async def save_changes(work: UnitOfWork, leads: Iterable[Lead]) -> None:
    """Store the changes of consent that these leads have gathered."""
    changed = [lead for lead in leads if lead.consent_changes]
    if not changed:
        return
    rows = [
        (
            lead.tenant,
            lead.lead_id,
            change.channel,
            change.choice,
            change.before,
            change.at,
            change.source,
            change.basis,
            change.text_id,
            change.cause,
            work.now,
        )
        for lead in changed
        for change in lead.consent_changes
    ]
    await work.run(_INSERT_CHANGES, **by_column(_CHANGE, rows))
    for lead in changed:
        lead.consent_changes.clear()


async def history(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID], *, after: int, limit: int) -> Sequence[Row]:
    """The next changes of these leads' consent, in the order in which they were recorded, with the texts."""
    return await work.fetch(
        """
        SELECT c.number, c.lead_id, c.channel, c.choice, c.before, c.at, c.source, c.basis, c.cause, c.recorded_on,
               t.form_token, t.version, t.content
        FROM consent_change c
        LEFT JOIN consent_text t ON t.tenant_id = c.tenant_id AND t.text_id = c.text_id
        WHERE c.tenant_id = :tenant AND c.lead_id = ANY (CAST(:leads AS uuid[])) AND c.number > :after
        ORDER BY c.number LIMIT :limit
        """,
        tenant=tenant,
        leads=list(lead_ids),
        after=after,
        limit=limit,
    )


async def add_text(work: UnitOfWork, tenant: str, text_id: UUID, form_token: str, content: str) -> None:
    """Store the next version of a form's text."""
    row = await work.fetch_one(
        "SELECT coalesce(max(version), 0) + 1 AS version FROM consent_text WHERE tenant_id = :t AND form_token = :form",
        t=tenant,
        form=form_token,
    )
    version = row["version"] if row else 1
    await work.run(
        _INSERT_TEXT, **by_column(_TEXT_COLUMNS, [(tenant, text_id, form_token, version, content, work.now)])
    )


async def text_of_version(work: UnitOfWork, tenant: str, form_token: str, version: int) -> UUID | None:
    """The id of a version of a form's text."""
    row = await work.fetch_one(
        """
        SELECT text_id FROM consent_text
        WHERE tenant_id = :tenant AND form_token = :form AND version = CAST(:version AS integer)
        """,
        tenant=tenant,
        form=form_token,
        version=version,
    )
    return row["text_id"] if row else None


async def read_texts(work: UnitOfWork, tenant: str, text_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """The texts with these ids."""
    rows = await work.fetch(
        """
        SELECT text_id, version, content, created_on FROM consent_text
        WHERE tenant_id = :tenant AND text_id = ANY (CAST(:ids AS uuid[]))
        """,
        tenant=tenant,
        ids=list(text_ids),
    )
    return {row["text_id"]: row for row in rows}

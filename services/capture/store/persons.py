"""What is held about a person beside the leads themselves: for the export, from the places that erasure empties."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.capture.rules.lead import Lead
from shared.db import UnitOfWork

DIGITS = 9
"""The last digits of a phone by which it is found in any spelling."""


def traces(column: str) -> str:
    """SQL that is true where a bytea column has an e-mail or the last digits of a phone (`:emails`, `:digits`).

    Text is compared in lower case, phones by their digits alone: an address may stand there in any spelling.
    """
    return f"""(
        EXISTS (SELECT FROM unnest(CAST(:emails AS text[])) AS known (email)
                WHERE position(known.email IN lower(encode({column}, 'escape'))) > 0)
        OR EXISTS (SELECT FROM unnest(CAST(:digits AS text[])) AS known (digits)
                   WHERE position(known.digits IN
                                  regexp_replace(encode({column}, 'escape'), '[^0-9]', '', 'g')) > 0))"""


def addresses(leads: Sequence[Lead]) -> dict[str, list[str]]:
    """The parameters of `traces` for these leads."""
    return {
        "emails": [lead.email for lead in leads if lead.email is not None],
        "digits": [lead.phone[-DIGITS:] for lead in leads if lead.phone is not None],
    }


_BY_ID = {
    "external_ids": """
        SELECT lead_id, source, external_id FROM lead_identity
        WHERE tenant_id = :tenant AND lead_id = ANY (CAST(:leads AS uuid[])) ORDER BY source, external_id
    """,
    "merges": """
        SELECT merge_id, lead_id, alias_id, record, merged_on, merged_by, undone_on, undone_by FROM merge
        WHERE tenant_id = :tenant
          AND (lead_id = ANY (CAST(:leads AS uuid[])) OR alias_id = ANY (CAST(:leads AS uuid[])))
        ORDER BY merged_on
    """,
    "duplicates": """
        SELECT pair_id, lead_a, lead_b, score, reasons, state, found_on, decided_on FROM duplicate
        WHERE tenant_id = :tenant AND (lead_a = ANY (CAST(:leads AS uuid[])) OR lead_b = ANY (CAST(:leads AS uuid[])))
        ORDER BY pair_id
    """,
}
_BY_ADDRESS = {
    "import_rows": f"""
        SELECT import_id, line, column_name, value, reason, lead_id, record FROM import_error e
        WHERE tenant_id = :tenant AND (lead_id = ANY (CAST(:leads AS uuid[])) OR {traces("e.record")}
                                       OR {traces("convert_to(e.value, 'UTF8')")})
        ORDER BY import_id, number LIMIT 1000
    """,
    "webhook_deliveries": f"""
        SELECT token, delivery_id, state, body, errors, received_on, replayed_on FROM webhook_delivery d
        WHERE tenant_id = :tenant AND (lead_id = ANY (CAST(:leads AS uuid[])) OR {traces("d.body")})
        ORDER BY delivery_id LIMIT 1000
    """,
    "dead_letters": f"""
        SELECT id, topic, event_id, error, at, value FROM dead_letter d
        WHERE tenant_id = :tenant AND value IS NOT NULL AND {traces("d.value")}
        ORDER BY id LIMIT 1000
    """,
}


async def held(work: UnitOfWork, tenant: str, leads: Sequence[Lead]) -> dict[str, list[dict[str, Any]]]:
    """The rows about these leads, by the name of what they are; bytes as text."""
    ids: list[UUID] = [lead.lead_id for lead in leads]
    found: dict[str, list[dict[str, Any]]] = {}
    for name, statement in _BY_ID.items():
        found[name] = [dict(row) for row in await work.fetch(statement, tenant=tenant, leads=ids)]
    for name, statement in _BY_ADDRESS.items():
        rows = await work.fetch(statement, tenant=tenant, leads=ids, **addresses(leads))
        found[name] = [{key: _readable(value) for key, value in row.items()} for row in rows]
    return found


def _readable(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value

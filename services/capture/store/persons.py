"""What is held about a person beside the leads themselves: for the export, from the places that erasure empties."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

from services.capture.rules.lead import Lead
from shared.db import UnitOfWork

DIGITS = 9
"""The last digits of a phone by which it is found in any spelling."""

_NOT_OF_A_NUMBER = r"\\\\u[0-9a-f]{4}|\\[0-7]{3}|%[0-9a-f]{2}|[^0-9]"
"""What stands between the digits of a phone, with the escapes of JSON, of a bytea's text, and of forms."""


def traces(column: str) -> str:
    """SQL that is true where a bytea column has an e-mail or the last digits of a phone (`:emails`, `:digits`).

    Text is compared in lower case, phones by their digits alone: an address may stand there in any spelling, and as
    it is, as JSON or as a form.
    """
    content = f"lower(encode({column}, 'escape'))"
    return f"""(
        EXISTS (SELECT FROM unnest(CAST(:emails AS text[])) AS known (email)
                WHERE position(known.email IN {content}) > 0)
        OR EXISTS (SELECT FROM unnest(CAST(:digits AS text[])) AS known (digits)
                   WHERE position(known.digits IN regexp_replace({content}, '{_NOT_OF_A_NUMBER}', '', 'g')) > 0))"""


def addresses(leads: Sequence[Lead]) -> dict[str, list[str]]:
    """The parameters of `traces` for these leads."""
    return {
        "emails": [spelling for lead in leads if lead.email is not None for spelling in _spellings(lead.email)],
        "digits": [lead.phone[-DIGITS:] for lead in leads if lead.phone is not None],
    }


def _spellings(email: str) -> list[str]:
    """An e-mail as it may stand in bytes: as it is, in JSON, in a form; each as `encode(..., 'escape')` writes it."""
    written = {email, email.upper(), *_in_ascii(email)}
    spelled = {text for one in written for text in (one, json.dumps(one)[1:-1], quote(one), quote(one, safe="@"))}
    return sorted({_escaped(text).lower() for text in spelled})


def _in_ascii(email: str) -> Iterator[str]:
    local, _, domain = email.rpartition("@")
    try:
        yield f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        pass  # a domain that has no such form was never written in it


def _escaped(text: str) -> str:
    """PostgreSQL, 9.5 "Binary String Functions": zeros and bytes beyond ASCII in octal, backslashes doubled."""
    return "".join(
        "\\\\" if byte == 0x5C else f"\\{byte:03o}" if byte > 0x7F or not byte else chr(byte) for byte in text.encode()
    )


IMPORTED_ROWS = f"""(
    SELECT e.import_id, e.line FROM import_error e
    WHERE e.tenant_id = :tenant AND (e.lead_id = ANY (CAST(:leads AS uuid[])) OR {traces("e.record")}
                                     OR {traces("convert_to(e.value, 'UTF8')")}))"""
"""SQL of the rows of imports, (import_id, line), that are about these leads: one error of a row stands for all."""

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
        SELECT import_id, line, column_name, value, reason, lead_id, record FROM import_error
        WHERE tenant_id = :tenant AND (import_id, line) IN {IMPORTED_ROWS}
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

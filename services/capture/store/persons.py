"""What is held about a person beside the leads themselves: for the export and for erasure, which empties it.

What was kept as it arrived is looked through in two steps. SQL finds what has the characters of an e-mail, or the last
digits of a phone, anywhere; `rules.mentions` decides which of that is about the person.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

from services.capture.rules.lead import Lead
from services.capture.rules.mentions import Person, without_items
from shared.db import Row, UnitOfWork

_DIGITS = 7
"""The last digits of a phone that stand together in every spelling of it."""
_PAGE = 20
"""Rows that are read at once: the body of a delivery may have 10 MB."""
_MOST_EXPORTED = 1_000

_NOT_OF_A_NUMBER = r"\\\\u[0-9a-f]{4}|\\[0-7]{3}|%[0-9a-f]{2}|[^0-9]"
"""What stands between the digits of a phone, with the escapes of JSON, of a bytea's text, and of forms."""


def may_mention(column: str) -> str:
    """SQL that is true where a bytea column has the characters of an e-mail or phone (`:emails`, `:digits`) anywhere.

    Text is compared in lower case, phones by their digits alone: an address may stand there in any spelling, and as
    it is, as JSON or as a form.
    """
    content = f"lower(encode({column}, 'escape'))"
    return f"""(
        EXISTS (SELECT FROM unnest(CAST(:emails AS text[])) AS known (email)
                WHERE position(known.email IN {content}) > 0)
        OR EXISTS (SELECT FROM unnest(CAST(:digits AS text[])) AS known (digits)
                   WHERE position(known.digits IN regexp_replace({content}, '{_NOT_OF_A_NUMBER}', '', 'g')) > 0))"""


def characters(person: Person) -> dict[str, list[str]]:
    """The parameters of `may_mention` for a person."""
    return {
        "emails": sorted({spelling for email in person.emails for spelling in _spellings(email)}),
        "digits": [phone.national[-_DIGITS:] for phone in person.phones],
    }


def _spellings(email: str) -> Iterator[str]:
    """An e-mail as it may stand in bytes: as it is, in JSON, in a form; each as `encode(..., 'escape')` writes it."""
    for one in (email, email.upper()):
        for text in (one, json.dumps(one)[1:-1], quote(one), quote(one, safe="@")):
            yield _escaped(text).lower()


def _escaped(text: str) -> str:
    """PostgreSQL, 9.5 "Binary String Functions": zeros and bytes beyond ASCII in octal, backslashes doubled."""
    return "".join(
        "\\\\" if byte == 0x5C else f"\\{byte:03o}" if byte > 0x7F or not byte else chr(byte) for byte in text.encode()
    )


async def shared_phones(work: UnitOfWork, tenant: str, leads: Sequence[Lead]) -> set[str]:
    """The phones of these leads that others have too."""
    rows = await work.fetch_tuples(
        """
        SELECT phone FROM unnest(CAST(:phones AS text[])) AS known (phone) CROSS JOIN LATERAL (
            (SELECT lead_id FROM lead WHERE tenant_id = :tenant AND phone = known.phone AND phone_first
             AND lead_id <> ALL (CAST(:leads AS uuid[])) LIMIT 1)
            UNION ALL
            (SELECT lead_id FROM lead WHERE tenant_id = :tenant AND phone = known.phone AND NOT phone_first
             AND lead_id <> ALL (CAST(:leads AS uuid[])) LIMIT 1)
        ) other
        """,
        tenant=tenant,
        phones=sorted({lead.phone for lead in leads if lead.phone is not None}),
        leads=[lead.lead_id for lead in leads],
    )
    return {phone for (phone,) in rows}


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
_DELIVERIES = f"""
    SELECT token, delivery_id, state, body, errors, received_on, replayed_on, lead_id, whole FROM webhook_delivery d
    WHERE tenant_id = :tenant AND delivery_id > :after
      AND (lead_id = ANY (CAST(:leads AS uuid[])) OR {may_mention("d.body")})
    ORDER BY delivery_id LIMIT {_PAGE}
"""
_LETTERS = f"""
    SELECT id, topic, event_id, error, at, value FROM dead_letter d
    WHERE tenant_id = :tenant AND id > :after AND value IS NOT NULL AND {may_mention("d.value")}
    ORDER BY id LIMIT {_PAGE}
"""
# One error of a row stands for all of them: the first has the row as it was written, the others a value of it.
_ROWS = f"""
    SELECT import_id, line, number, column_name, value, reason, lead_id, record FROM import_error
    WHERE tenant_id = :tenant AND (import_id, line) IN (
        SELECT e.import_id, e.line FROM import_error e
        WHERE e.tenant_id = :tenant
          AND (e.import_id, e.line) > (CAST(:after_import AS uuid), CAST(:after_line AS bigint))
          AND (e.lead_id = ANY (CAST(:leads AS uuid[]))
               OR e.lead_id IS NULL AND ({may_mention("e.record")} OR {may_mention("convert_to(e.value, 'UTF8')")}))
        GROUP BY e.import_id, e.line ORDER BY e.import_id, e.line LIMIT {_PAGE})
    ORDER BY import_id, line, number
"""


class Delivery(NamedTuple):
    """A kept delivery about a person: what of its body is theirs, and what is left without it (None: nothing)."""

    row: Row
    theirs: bytes
    rest: bytes | None


def _parameters(tenant: str, person: Person) -> dict[str, Any]:
    return {"tenant": tenant, "leads": [lead.lead_id for lead in person.leads], **characters(person)}


async def import_rows(work: UnitOfWork, tenant: str, person: Person) -> AsyncIterator[Sequence[Row]]:
    """The errors and warnings of the rows of imports about a person, row by row."""
    after: tuple[UUID, int] | None = (UUID(int=0), 0)
    ids = {lead.lead_id for lead in person.leads}
    while after is not None:
        rows = await work.fetch(_ROWS, after_import=after[0], after_line=after[1], **_parameters(tenant, person))
        after = None
        for line, group in groupby(rows, key=lambda row: (row["import_id"], row["line"])):
            errors = list(group)
            after = line
            if any(error["lead_id"] is not None for error in errors):
                is_theirs = any(error["lead_id"] in ids for error in errors)
            else:
                written = [error["record"] for error in errors if error["record"] is not None]
                is_theirs = any(map(person.is_in, written or [error["value"].encode() for error in errors]))
            if is_theirs:
                yield errors


async def webhook_deliveries(work: UnitOfWork, tenant: str, person: Person) -> AsyncIterator[Delivery]:
    """The deliveries of webhooks that are about a person, or have an item that is."""
    after = UUID(int=0)
    while rows := await work.fetch(_DELIVERIES, after=after, **_parameters(tenant, person)):
        after = rows[-1]["delivery_id"]
        for row in rows:
            if row["lead_id"] is not None:
                yield Delivery(row, row["body"], None)
            elif person.is_in(row["body"]):
                rest, theirs = without_items(row["body"], person) if row["whole"] else (None, row["body"])
                yield Delivery(row, theirs, rest)
            elif row["whole"] and (found := without_items(row["body"], person))[0] is not None:
                yield Delivery(row, found[1], found[0])


async def dead_letters(work: UnitOfWork, tenant: str, person: Person) -> AsyncIterator[Row]:
    """The dead letters about a person."""
    after = UUID(int=0)
    while rows := await work.fetch(_LETTERS, after=after, **_parameters(tenant, person)):
        after = rows[-1]["id"]
        for row in rows:
            if person.is_in(row["value"]):
                yield row


async def held(work: UnitOfWork, tenant: str, person: Person) -> dict[str, list[dict[str, Any]]]:
    """The rows about a person, by the name of what they are; bytes as text."""
    ids: list[UUID] = [lead.lead_id for lead in person.leads]
    found: dict[str, list[dict[str, Any]]] = {}
    for name, statement in _BY_ID.items():
        found[name] = [dict(row) for row in await work.fetch(statement, tenant=tenant, leads=ids)]
    rows = [_readable(error, "number") async for errors in import_rows(work, tenant, person) for error in errors]
    found["import_rows"] = rows[:_MOST_EXPORTED]
    found["webhook_deliveries"] = [
        _readable({**each.row, "body": each.theirs}, "lead_id", "whole")
        async for each in webhook_deliveries(work, tenant, person)
    ][:_MOST_EXPORTED]
    found["dead_letters"] = [_readable(row) async for row in dead_letters(work, tenant, person)][:_MOST_EXPORTED]
    return found


def _readable(row: Mapping[str, Any], *without: str) -> dict[str, Any]:
    return {
        name: value.decode(errors="replace") if isinstance(value, bytes) else value
        for name, value in row.items()
        if name not in without
    }

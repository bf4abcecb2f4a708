"""The outbox: events that their transaction has committed and the relay has not sent yet."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson

from shared.db.transaction import Transaction
from shared.events.envelope import Envelope, headers_of

SHORT = 5_000
"""An outbox with fewer rows is short: bulk work may add to it without delaying the next reply."""


class Row(NamedTuple):
    """An event in the outbox; `headers` is a JSON object of texts."""

    id: int
    tenant: str
    topic: str
    key: str | None
    headers: str
    value: bytes


async def add(work: Transaction, events: Sequence[tuple[Envelope, bytes]]) -> None:
    """Write events and their data into the outbox, and number those that have no sequence yet.

    The row of the lead's stream is locked before the ids of the outbox are drawn: that keeps a lead's events in order
    across replicas.
    """
    first = await _draw_sequences(work, [(e.tenant, e.subject) for e, _ in events if e.sequence is None and e.subject])
    headers: list[str] = []
    next_sequence = dict(first)
    for envelope, _ in events:
        fields = headers_of(envelope)
        if envelope.sequence is None and envelope.subject:
            key = (envelope.tenant, envelope.subject)
            fields["ce_sequence"] = str(next_sequence[key])
            next_sequence[key] += 1
        headers.append(orjson.dumps(fields).decode())
    await work.run(
        """
        INSERT INTO outbox (tenant_id, topic, key, headers, value)
        SELECT tenant_id, topic, key, headers, value
        FROM unnest(CAST(:tenants AS text[]), CAST(:topics AS text[]), CAST(:keys AS text[]),
                    CAST(:headers AS text[]), CAST(:values AS bytea[]))
             WITH ORDINALITY AS t (tenant_id, topic, key, headers, value, n)
        ORDER BY n
        """,
        tenants=[e.tenant for e, _ in events],
        topics=[e.type for e, _ in events],
        keys=[e.subject for e, _ in events],
        headers=headers,
        values=[value for _, value in events],
    )


async def _draw_sequences(work: Transaction, streams: Iterable[tuple[str, str | None]]) -> dict[tuple[str, str], int]:
    """The first of the next sequence numbers for each (tenant, lead); the rows are locked in one order everywhere."""
    counts: dict[tuple[str, str], int] = {}
    for tenant, lead in streams:
        if lead is not None:
            counts[tenant, lead] = counts.get((tenant, lead), 0) + 1
    if not counts:
        return {}
    wanted = sorted(counts)
    rows = await work.fetch_tuples(
        """
        INSERT INTO lead_stream AS s (tenant_id, lead_id, sent)
        SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS text[]), CAST(:counts AS int[]))
        ON CONFLICT (tenant_id, lead_id) DO UPDATE SET sent = s.sent + excluded.sent
        RETURNING tenant_id, lead_id, sent
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
        counts=[counts[key] for key in wanted],
    )
    return {(tenant, lead): sent - counts[tenant, lead] + 1 for tenant, lead, sent in rows}


async def take_oldest(work: Transaction, limit: int) -> list[Row]:
    """Remove the oldest rows, in the order of their ids; they are there again unless the transaction commits."""
    rows = await work.fetch_tuples(
        """
        DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT :limit)
        RETURNING id, tenant_id, topic, key, headers, value
        """,
        limit=limit,
    )
    return sorted(Row(*row) for row in rows)


async def set_aside(work: Transaction, id: int, reason: str) -> None:
    """Move a row that the broker will never accept to `outbox_refused`, with the reason."""
    await work.run(
        """
        WITH gone AS (DELETE FROM outbox WHERE id = :id RETURNING tenant_id, topic, key, headers, value)
        INSERT INTO outbox_refused (tenant_id, topic, key, headers, value, reason)
        SELECT gone.*, :reason FROM gone
        """,
        id=id,
        reason=reason[:1_000],
    )


async def is_short(work: Transaction, limit: int = SHORT) -> bool:
    """Whether bulk work may add a page: the events that it publishes must not delay the next reply."""
    row = await work.fetch_one("SELECT count(*) AS depth FROM (SELECT FROM outbox LIMIT :limit) o", limit=limit)
    return row is not None and int(row["depth"]) < limit


async def backlog(work: Transaction) -> tuple[int, float]:
    """How many rows wait (counted up to 100,000), and the age of the oldest in seconds."""
    row = await work.fetch_one(
        """
        SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT 100000) o) AS depth,
               (SELECT extract(epoch FROM clock_timestamp() - created_at) FROM outbox ORDER BY id LIMIT 1) AS age
        """
    )
    return (row["depth"], float(row["age"] or 0)) if row else (0, 0.0)

"""The outbox: events that their transaction has committed and the relay has not sent yet."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

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


_ADD = """
    WITH stream AS (
        INSERT INTO lead_stream AS s (tenant_id, lead_id, sent)
        SELECT * FROM unnest(CAST(:stream_tenants AS text[]), CAST(:stream_leads AS text[]), CAST(:counts AS int[]))
        ON CONFLICT (tenant_id, lead_id) DO UPDATE SET sent = s.sent + excluded.sent
        RETURNING tenant_id, lead_id, sent)
    INSERT INTO outbox (tenant_id, topic, key, headers, value)
    SELECT e.tenant_id, e.topic, e.key,
           CASE WHEN e.behind IS NULL THEN e.headers
                ELSE left(e.headers, -1) || ',"ce_sequence":"' || (s.sent - e.behind) || '"}' END,
           e.value
    FROM unnest(CAST(:tenants AS text[]), CAST(:topics AS text[]), CAST(:keys AS text[]),
                CAST(:headers AS text[]), CAST(:values AS bytea[]), CAST(:behind AS int[]))
         WITH ORDINALITY AS e (tenant_id, topic, key, headers, value, behind, n)
    LEFT JOIN stream s ON s.tenant_id = e.tenant_id AND s.lead_id = e.key AND e.behind IS NOT NULL
    ORDER BY e.n
"""


async def add(work: Transaction, events: Sequence[tuple[Envelope, bytes]]) -> None:
    """Write events and their data into the outbox, and number those that have no sequence yet.

    The rows of the leads' streams are locked, in one order everywhere, before the ids of the outbox are drawn: that
    keeps a lead's events in order across replicas. It holds because the rows are sorted, so all are there, and the
    streams locked, before the first is inserted.
    """
    counts: dict[tuple[str, str], int] = {}
    # How many events of the same stream follow each, the last one first; None for one that gets no number.
    behind: list[int | None] = []
    for envelope, _ in reversed(events):
        if envelope.sequence is None and envelope.subject:
            stream = (envelope.tenant, envelope.subject)
            behind.append(counts.get(stream, 0))
            counts[stream] = counts.get(stream, 0) + 1
        else:
            behind.append(None)
    streams = sorted(counts)
    await work.run(
        _ADD,
        stream_tenants=[tenant for tenant, _ in streams],
        stream_leads=[lead for _, lead in streams],
        counts=[counts[stream] for stream in streams],
        tenants=[e.tenant for e, _ in events],
        topics=[e.type for e, _ in events],
        keys=[e.subject for e, _ in events],
        headers=[orjson.dumps(headers_of(e)).decode() for e, _ in events],
        values=[value for _, value in events],
        behind=behind[::-1],
    )


async def raise_sequences(work: Transaction, tenant: str, leads: Iterable[UUID], by: int) -> None:
    """Let the sequence numbers of these leads go on that much higher, also of those that have none yet."""
    await work.run(
        """
        INSERT INTO lead_stream AS s (tenant_id, lead_id, sent)
        SELECT :tenant, lead_id, :by FROM unnest(CAST(:leads AS text[])) AS w (lead_id)
        ON CONFLICT (tenant_id, lead_id) DO UPDATE SET sent = s.sent + excluded.sent
        """,
        tenant=tenant,
        leads=sorted(map(str, leads)),
        by=by,
    )


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

"""Questions to providers: which are due, their answers, and the leads whose facts depend on them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from services.enrichment.store.providers import ASKABLE, IS_ASKED
from shared.db import Row, UnitOfWork, by_column
from shared.ids import LeadKey

LookupKey = tuple[str, UUID, UUID]
"""(tenant, generation of the provider, key of the question)."""

_KEYS = {"tenant_id": "text", "generation": "uuid", "key": "uuid"}
_NEW = {**_KEYS, "provider": "text", "question": "text", "personal": "boolean"}
_LINK = {"tenant_id": "text", "lead_id": "uuid", "generation": "uuid", "key": "uuid"}
_ANSWER = {
    **_KEYS,
    "outcome": "text",
    "findings": "text",
    "error": "text",
    "ms": "integer",
    "expires_at": "timestamptz",
    "due_at": "timestamptz",
}
_WANTED = """
    unnest(CAST(:tenant_id AS text[]), CAST(:generation AS uuid[]), CAST(:key AS uuid[]))
    AS w (tenant_id, generation, key)
"""


def _key(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[:3]


def _keys(keys: Iterable[LookupKey]) -> dict[str, list[Any]]:
    rows = sorted(set(keys))
    return by_column(_KEYS, rows) if rows else {name: [] for name in _KEYS}


async def read(work: UnitOfWork, keys: Iterable[LookupKey]) -> dict[LookupKey, Row]:
    """The stored questions with their answers."""
    rows = await work.fetch(
        f"""
        SELECT l.* FROM {_WANTED}
        JOIN lookup l ON l.tenant_id = w.tenant_id AND l.generation = w.generation AND l.key = w.key
        """,
        **_keys(keys),
    )
    return {(row["tenant_id"], row["generation"], row["key"]): row for row in rows}


async def add(work: UnitOfWork, rows: Mapping[LookupKey, tuple[str, Mapping[str, str], bool]]) -> None:
    """Store new questions, due now: {key: (provider, question, personal)}. Those that are stored stay as they are."""
    values = [
        (*key, provider, orjson.dumps(dict(question)).decode(), personal)
        for key, (provider, question, personal) in sorted(rows.items())
    ]
    await work.run(
        """
        INSERT INTO lookup (tenant_id, generation, key, provider, question, personal, due_at, bulk, attempts)
        SELECT v.tenant_id, v.generation, v.key, v.provider, CAST(v.question AS jsonb), v.personal, :now, false, 0
        FROM unnest(CAST(:tenant_id AS text[]), CAST(:generation AS uuid[]), CAST(:key AS uuid[]),
                    CAST(:provider AS text[]), CAST(:question AS text[]), CAST(:personal AS boolean[]))
             AS v (tenant_id, generation, key, provider, question, personal)
        ON CONFLICT DO NOTHING
        """,
        **by_column(_NEW, values),
        now=work.now,
    )


async def make_due(work: UnitOfWork, keys: Iterable[LookupKey]) -> None:
    """Ask again, also where the answer is still fresh."""
    await work.run(
        f"""
        UPDATE lookup l SET due_at = :now, bulk = false, attempts = 0
        FROM (SELECT w.* FROM {_WANTED} ORDER BY 1, 2, 3) w
        WHERE l.tenant_id = w.tenant_id AND l.generation = w.generation AND l.key = w.key
        """,
        **_keys(keys),
        now=work.now,
    )


async def link(work: UnitOfWork, links: Iterable[tuple[LeadKey, UUID, UUID]], *, known: Iterable[LeadKey]) -> None:
    """Which questions the facts of leads depend on, from now on: (lead, generation, key).

    `known` had others before: an answer that no lead depends on any more is deleted, so that what was asked about a
    person never outlives an erasure.
    """
    left: list[LookupKey] = []
    if before := sorted(known):
        left = await work.fetch_tuples(
            """
            DELETE FROM lead_lookup l USING unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (t, lead)
            WHERE l.tenant_id = w.t AND l.lead_id = w.lead
            RETURNING l.tenant_id, l.generation, l.key
            """,
            tenants=[tenant for tenant, _ in before],
            leads=[lead for _, lead in before],
        )
    if rows := sorted((*lead, generation, key) for lead, generation, key in links):
        await work.run(
            """
            INSERT INTO lead_lookup (tenant_id, lead_id, generation, key)
            SELECT * FROM unnest(CAST(:tenant_id AS text[]), CAST(:lead_id AS uuid[]), CAST(:generation AS uuid[]),
                                 CAST(:key AS uuid[]))
            ON CONFLICT (tenant_id, lead_id, generation) DO UPDATE SET key = excluded.key
            """,
            **by_column(_LINK, rows),
        )
    if left:
        await work.run(
            f"""
            DELETE FROM lookup l USING {_WANTED}
            WHERE l.tenant_id = w.tenant_id AND l.generation = w.generation AND l.key = w.key
              AND NOT EXISTS (SELECT FROM lead_lookup k WHERE k.tenant_id = l.tenant_id
                                                          AND k.generation = l.generation AND k.key = l.key)
            """,
            **_keys(left),
        )


async def due(work: UnitOfWork, room: Mapping[tuple[str, UUID], int], *, bulk: bool, limit: int) -> Sequence[Row]:
    """The questions that are due and that nobody is asking now, in the order of their time, with their providers.

    `room`: how many of each provider (tenant, generation) at the most; none of any other.
    """
    return await work.fetch(
        """
        SELECT l.*, p.name, p.kind, p.config, p.enabled
        FROM unnest(CAST(:tenants AS text[]), CAST(:generations AS uuid[]), CAST(:room AS int[]))
             AS w (tenant_id, generation, room)
        JOIN provider p ON p.tenant_id = w.tenant_id AND p.generation = w.generation
        CROSS JOIN LATERAL (
            SELECT * FROM lookup l
            WHERE l.tenant_id = w.tenant_id AND l.generation = w.generation AND l.bulk = :bulk AND l.due_at <= :now
              AND (l.leased_until IS NULL OR l.leased_until < clock_timestamp())
            ORDER BY l.due_at LIMIT w.room
        ) l
        ORDER BY l.due_at LIMIT :limit
        """,
        tenants=[tenant for tenant, _ in room],
        generations=[generation for _, generation in room],
        room=list(room.values()),
        bulk=bulk,
        limit=limit,
        now=work.now,
    )


async def lease(work: UnitOfWork, keys: Iterable[LookupKey], lease: timedelta) -> set[LookupKey]:
    """Take these questions, for so long; those that another replica has taken meanwhile are left out."""
    rows = await work.fetch(
        f"""
        UPDATE lookup l SET leased_until = clock_timestamp() + :lease
        FROM (SELECT w.* FROM {_WANTED} ORDER BY 1, 2, 3) w
        WHERE l.tenant_id = w.tenant_id AND l.generation = w.generation AND l.key = w.key
          AND (l.leased_until IS NULL OR l.leased_until < clock_timestamp()) AND l.due_at IS NOT NULL
        RETURNING l.tenant_id, l.generation, l.key
        """,
        **_keys(keys),
        lease=lease,
    )
    return {(row["tenant_id"], row["generation"], row["key"]) for row in rows}


async def save_answers(work: UnitOfWork, rows: Iterable[tuple[Any, ...]]) -> None:
    """Store answers: (tenant, generation, key, outcome, findings as JSON or None, error, ms, expires_at, due_at).

    Without findings the earlier ones stay: they are older, and still the best that is known.
    """
    ordered = sorted(rows, key=_key)
    await work.run(
        """
        UPDATE lookup l
        SET outcome = v.outcome, findings = COALESCE(CAST(v.findings AS jsonb), l.findings), error = v.error,
            ms = v.ms, fetched_at = CASE WHEN v.findings IS NULL THEN l.fetched_at ELSE :now END,
            expires_at = v.expires_at, due_at = v.due_at, leased_until = NULL,
            attempts = CASE WHEN v.findings IS NULL THEN l.attempts + 1 ELSE 0 END,
            bulk = l.bulk OR v.due_at IS NOT NULL
        FROM unnest(CAST(:tenant_id AS text[]), CAST(:generation AS uuid[]), CAST(:key AS uuid[]),
                    CAST(:outcome AS text[]), CAST(:findings AS text[]), CAST(:error AS text[]), CAST(:ms AS int[]),
                    CAST(:expires_at AS timestamptz[]), CAST(:due_at AS timestamptz[]))
             AS v (tenant_id, generation, key, outcome, findings, error, ms, expires_at, due_at)
        WHERE l.tenant_id = v.tenant_id AND l.generation = v.generation AND l.key = v.key
        """,
        **by_column(_ANSWER, ordered),
        now=work.now,
    )


async def expired(work: UnitOfWork, for_each: int, limit: int) -> Sequence[Row]:
    """Answers that have expired, that leads depend on, and that may be asked for now: `tenant_id`, `generation`, `key`.

    A question that was never answered is not among them: it is asked again for a new lead. `for_each`: how many of one
    provider, with those that it is behind with.
    """
    return await work.fetch(
        f"""
        SELECT l.tenant_id, l.generation, l.key
        FROM {ASKABLE}
        CROSS JOIN LATERAL (
            SELECT count(*) AS behind FROM (
                SELECT FROM lookup d
                WHERE d.tenant_id = p.tenant_id AND d.generation = p.generation AND d.bulk AND d.due_at IS NOT NULL
                LIMIT :for_each) d
        ) d
        CROSS JOIN LATERAL (
            SELECT l.tenant_id, l.generation, l.key, l.expires_at FROM lookup l
            WHERE l.tenant_id = p.tenant_id AND l.generation = p.generation AND l.due_at IS NULL
              AND l.expires_at <= :now AND l.findings IS NOT NULL
              AND EXISTS (SELECT FROM lead_lookup k
                          WHERE k.tenant_id = l.tenant_id AND k.generation = l.generation AND k.key = l.key)
            ORDER BY l.expires_at LIMIT :for_each - d.behind
        ) l
        WHERE {IS_ASKED}
        ORDER BY l.expires_at LIMIT :limit
        """,
        for_each=for_each,
        limit=limit,
        now=work.now,
    )


async def refresh(work: UnitOfWork, keys: Iterable[LookupKey]) -> None:
    """Ask again as bulk work: after all that new leads wait for."""
    await work.run(
        f"""
        UPDATE lookup l SET due_at = :now, bulk = true, attempts = 0
        FROM (SELECT w.* FROM {_WANTED} ORDER BY 1, 2, 3) w
        WHERE l.tenant_id = w.tenant_id AND l.generation = w.generation AND l.key = w.key AND l.due_at IS NULL
        """,
        **_keys(keys),
        now=work.now,
    )


async def outdated(work: UnitOfWork, limit: int) -> Sequence[Row]:
    """Questions that count no more: of a provider that is gone or changed, or expired and asked for no lead."""
    return await work.fetch(
        """
        SELECT l.tenant_id, l.generation, l.key FROM lookup l
        WHERE NOT EXISTS (SELECT FROM provider p WHERE p.tenant_id = l.tenant_id AND p.generation = l.generation)
           OR (l.expires_at <= :now AND NOT EXISTS (
                   SELECT FROM lead_lookup k
                   WHERE k.tenant_id = l.tenant_id AND k.generation = l.generation AND k.key = l.key))
        LIMIT :limit
        """,
        now=work.now,
        limit=limit,
    )


async def delete(work: UnitOfWork, keys: Iterable[LookupKey]) -> None:
    """Delete questions, their answers, and what refers to them."""
    for table in ("lead_lookup", "lookup"):
        await work.run(
            f"""
            DELETE FROM {table} l USING {_WANTED}
            WHERE l.tenant_id = w.tenant_id AND l.generation = w.generation AND l.key = w.key
            """,
            **_keys(keys),
        )


async def forget_leads(work: UnitOfWork, leads: Sequence[LeadKey]) -> None:
    """Delete the answers about these people, and those that no other lead depends on.

    What stays are answers about companies that other leads of the tenant work for.
    """
    await work.run(
        """
        WITH gone AS (
            DELETE FROM lead_lookup k USING unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (t, lead)
            WHERE k.tenant_id = w.t AND k.lead_id = w.lead
            RETURNING k.tenant_id, k.lead_id, k.generation, k.key
        )
        DELETE FROM lookup l USING gone g
        WHERE l.tenant_id = g.tenant_id AND l.generation = g.generation AND l.key = g.key
          AND (l.personal OR NOT EXISTS (
              SELECT FROM lead_lookup k
              WHERE k.tenant_id = l.tenant_id AND k.generation = l.generation AND k.key = l.key
                AND (k.tenant_id, k.lead_id) NOT IN (SELECT tenant_id, lead_id FROM gone)))
        """,
        tenants=[tenant for tenant, _ in leads],
        leads=[lead for _, lead in leads],
    )

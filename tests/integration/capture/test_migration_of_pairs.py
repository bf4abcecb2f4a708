"""What migration 0007 does with leads and pairs of the release before."""

import asyncio
from uuid import UUID

import asyncpg
from alembic import command

from deploy.databases import address
from deploy.migrate import upgrade
from shared.migrations import config

NAME = "scratch_capture_pairs"


async def test_known_leads_are_searched_for_and_known_pairs_get_reasons_in_plain_words(backend):
    admin = await asyncpg.connect(backend.admin_url)
    await admin.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
    await admin.execute(f"CREATE DATABASE {NAME} TEMPLATE template0")
    await admin.close()
    url = address(backend.admin_url, NAME)
    await asyncio.to_thread(command.upgrade, config("capture", url), "0006")
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            """
            INSERT INTO lead (tenant_id, lead_id, version, source, email, phone_first, as_of, created_on, updated_on,
                              merged_into, merge_version)
            SELECT 't', lpad(n::text, 32, '0')::uuid, 1, 'web', n || '@x.example', false, now(), now(), now(),
                   CASE n WHEN 3 THEN lpad('1', 32, '0')::uuid END, 0
            FROM generate_series(1, 3) n
            """
        )
        await connection.execute(
            """
            INSERT INTO duplicate (tenant_id, pair_id, lead_a, lead_b, score, reasons, state, found_on)
            VALUES ('t', lpad('9', 32, '0')::uuid, lpad('1', 32, '0')::uuid, lpad('2', 32, '0')::uuid, 0.9,
                    ARRAY['same_email', 'names_differ'], 'open', now())
            """
        )
        await upgrade("capture", url)
        waiting = await connection.fetch("SELECT lead_id FROM duplicate_search ORDER BY number")
        assert [row["lead_id"] for row in waiting] == [UUID(int=1), UUID(int=2)]
        assert await connection.fetchval("SELECT reasons FROM duplicate") == ["same e-mail", "names differ"]
    finally:
        await connection.close()

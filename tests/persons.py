"""Where a word of a person stands: what an erasure has to leave nothing of."""

from collections.abc import Iterable

import asyncpg


async def places(url: str, tenant: str, words: Iterable[str]) -> set[tuple[str, str]]:
    """Every (table, column) of a service's database in which one of these words (small letters) stands."""
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        columns = await connection.fetch(
            """
            SELECT c.table_name AS name, c.column_name AS col, c.data_type AS kind FROM information_schema.columns c
            WHERE c.table_schema = 'public' AND EXISTS (
                SELECT FROM information_schema.columns t
                WHERE t.table_schema = 'public' AND t.table_name = c.table_name AND t.column_name = 'tenant_id')
            """
        )
        found: set[tuple[str, str]] = set()
        for column in columns:
            text = f"encode(\"{column['col']}\", 'escape')" if column["kind"] == "bytea" else f'"{column["col"]}"::text'
            hit = await connection.fetchval(
                f'SELECT EXISTS (SELECT FROM "{column["name"]}" WHERE tenant_id = $1 '
                f"AND lower({text}) LIKE ANY ($2::text[]))",
                tenant,
                [f"%{word}%" for word in words],
            )
            if hit:
                found.add((column["name"], column["col"]))
        return found
    finally:
        await connection.close()

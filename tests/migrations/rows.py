"""One row of two tenants in every table of a service, whatever its columns: so each is tried, new ones too."""

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

OURS, THEIRS = "tenant-a", "tenant-b"

_VALUES: Mapping[str, str] = {
    "text": "md5(random()::text)",
    "uuid": "gen_random_uuid()",
    "smallint": "1",
    "integer": "(random() * 1e9)::integer",
    "bigint": "(random() * 1e9)::bigint",
    "numeric": "1",
    "double precision": "1",
    "real": "1",
    "boolean": "true",
    "timestamp with time zone": "now() + random() * interval '1000 days'",
    "date": "current_date + (random() * 1e6)::integer",
    "interval": "'1 day'",
    "jsonb": "'{}'",
    "bytea": "decode(md5(random()::text), 'hex')",
}
_PARTICULAR: Mapping[tuple[str, str], str] = {
    ("content", "canonical"): """'{"channel": "email", "from": "a", "to": "b", "body": "c", "headers": {}}'""",
}
"""Columns from which others are generated, so that any text will not do."""


@dataclass(frozen=True)
class Table:
    """A table and what it takes to insert a row: expressions by column."""

    name: str
    columns: Mapping[str, str]

    def insert(self, tenant: str) -> str:
        values = {**self.columns, "tenant_id": f"'{tenant}'"}
        return f"INSERT INTO {self.name} ({', '.join(values)}) VALUES ({', '.join(values.values())})"


async def tables(connection: asyncpg.Connection) -> list[Table]:
    """Every table with a tenant_id."""
    rows = await connection.fetch(
        """
        SELECT c.relname AS "table", a.attname AS column, format_type(a.atttypid, NULL) AS type,
               a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS needed
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
        ORDER BY 1, a.attnum
        """
    )
    of: dict[str, dict[str, str]] = {}
    tenanted = {row["table"] for row in rows if row["column"] == "tenant_id"}
    for row in rows:
        columns = of.setdefault(row["table"], {})
        if row["needed"]:
            value = _PARTICULAR.get((row["table"], row["column"])) or _VALUES.get(row["type"], "'{}'")
            columns[row["column"]] = value
    return [Table(name, columns) for name, columns in of.items() if name in tenanted]


async def fill(connection: asyncpg.Connection) -> list[Table]:
    """A row of each tenant in every table. Checks, foreign keys and triggers are taken away: security must do alone."""
    for row in await connection.fetch(
        """
        SELECT conrelid::regclass::text AS "table", conname FROM pg_constraint
        WHERE contype IN ('f', 'c') AND connamespace = 'public'::regnamespace ORDER BY contype DESC
        """
    ):
        await connection.execute(f"ALTER TABLE {row['table']} DROP CONSTRAINT {row['conname']}")
    found = await tables(connection)
    for table in found:
        await connection.execute(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
        for tenant in (OURS, THEIRS):
            await connection.execute(table.insert(tenant))
    return found

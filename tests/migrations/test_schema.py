"""The migrations make what `tables.py` declares, in keys that begin with the tenant, and may be run again."""

import asyncio
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, inspect, text
from sqlalchemy.engine import Connection

from deploy.databases import address
from deploy.migrate import upgrade
from shared.migrations import MESSAGING_TABLES
from shared.migrations.engine import make_engine
from shared.names import SERVICES
from shared.schema_revisions import newest
from tests.conftest import Backend
from tests.migrations.conftest import Connect

SERVICE_FOLDER = Path(__file__).parents[2] / "services"
BESIDES = MESSAGING_TABLES | {"alembic_version"}

WITHOUT_TENANT_FIRST = {
    ("*", "outbox", "id"): "the relay takes rows of all tenants in the order of their ids",
    ("*", "outbox_refused", "id"): "set aside by the relay, row by row",
    ("*", "dead_letter", "id"): "a record that cannot be read may have no tenant",
    ("*", "dead_letter", "topic"): "a record is stored once: it is known by its place in Kafka",
    ("goals", "touched", "id"): "a queue over all tenants, taken in the order of arrival",
    ("outreach", "sending_domain", "domain"): "a domain belongs to one tenant only",
    ("outreach", "service_key", "id"): "the service's one secret belongs to no tenant",
}
"""(service, table, first column) of the keys that do not begin with the tenant, and why."""


def metadata_of(service: str) -> MetaData:
    """All tables of a service: those of its parts register themselves with the same metadata."""
    for path in sorted((SERVICE_FOLDER / service).rglob("tables.py")):
        import_module(".".join(path.relative_to(SERVICE_FOLDER.parent).with_suffix("").parts))
    metadata: MetaData = import_module(f"services.{service}.tables").metadata
    return metadata


def differences(connection: Connection, metadata: MetaData) -> list[str]:
    """How the database differs from the metadata: tables, columns, types, nullability, indexes, keys."""
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "include_object": lambda _object, name, kind, _reflected, _other: kind != "table" or name not in BESIDES,
        },
    )
    found = [str(difference) for difference in compare_metadata(context, metadata)]
    present = inspect(connection)
    for table in metadata.sorted_tables:
        if present.has_table(table.name):
            said = [column.name for column in table.primary_key.columns]
            made = present.get_pk_constraint(table.name)["constrained_columns"]
            if said != made:
                found.append(f"primary key of {table.name}: tables.py declares {said}, the migrations make {made}")
    return found


async def _compared(url: str, metadata: MetaData, *plants: str) -> list[str]:
    engine = make_engine(url, application="test")
    try:
        async with engine.connect() as connection:
            for plant in plants:
                await connection.execute(text(plant))
            return await connection.run_sync(differences, metadata)
    finally:
        await engine.dispose()


@pytest.mark.parametrize("service", SERVICES)
async def test_the_migrated_schema_is_what_tables_py_declares(backend: Backend, service: str) -> None:
    assert await _compared(backend.owner_url(service), metadata_of(service)) == []


@pytest.mark.parametrize(
    "plant",
    [
        "CREATE TABLE planted (tenant_id text PRIMARY KEY)",
        "ALTER TABLE lead ADD COLUMN planted text",
        "ALTER TABLE lead DROP COLUMN company",
        "ALTER TABLE lead ALTER COLUMN owner TYPE bytea USING NULL",
        "ALTER TABLE lead ALTER COLUMN stage DROP NOT NULL",
        "DROP INDEX lead_due",
        "ALTER TABLE lead DROP CONSTRAINT lead_pkey, ADD PRIMARY KEY (lead_id, tenant_id)",
    ],
)
async def test_a_planted_difference_is_found(scratch: dict[str, str], plant: str) -> None:
    assert len(await _compared(scratch["stages"], metadata_of("stages"), plant)) == 1


async def _keys(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    """Primary and unique keys, unique indexes and foreign keys, with their first column on either side."""
    return await connection.fetch(
        """
        SELECT c.relname AS "table", a.attname AS first, 'key ' || i.relname AS what
        FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
             LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
        WHERE x.indisunique AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'
        UNION ALL
        SELECT c.relname, a.attname, 'foreign key ' || k.conname
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
        WHERE k.contype = 'f'
        UNION ALL
        SELECT c.relname, a.attname, 'the other side of ' || k.conname
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = k.confkey[1]
        WHERE k.contype = 'f'
        ORDER BY 1, 3
        """
    )


async def keys_without_tenant(connection: asyncpg.Connection, service: str) -> list[str]:
    """Keys that neither begin with tenant_id nor are among the exceptions."""
    return [
        f"{key['table']}: {key['what']} begins with {key['first']}"
        for key in await _keys(connection)
        if key["first"] != "tenant_id"
        and not {(service, key["table"], key["first"]), ("*", key["table"], key["first"])} & set(WITHOUT_TENANT_FIRST)
    ]


@pytest.mark.parametrize("service", SERVICES)
async def test_every_key_begins_with_the_tenant(connect: Connect, service: str) -> None:
    assert await keys_without_tenant(await connect(service), service) == []


async def test_every_exception_is_still_one(connect: Connect) -> None:
    present: set[tuple[str, str, str]] = set()
    for service in SERVICES:
        for key in await _keys(await connect(service)):
            present |= {(name, key["table"], key["first"]) for name in (service, "*")}
    assert set(WITHOUT_TENANT_FIRST) - present == set()


async def test_planted_keys_without_the_tenant_are_found(connect: Connect) -> None:
    connection = await connect("stages")
    await connection.execute(
        """
        CREATE TABLE planted (id uuid PRIMARY KEY, tenant_id text NOT NULL, parent uuid REFERENCES planted);
        CREATE UNIQUE INDEX planted_once ON planted (lower(tenant_id));
        """
    )
    assert await keys_without_tenant(connection, "stages") == [
        "planted: foreign key planted_parent_fkey begins with parent",
        "planted: key planted_once begins with None",
        "planted: key planted_pkey begins with id",
        "planted: the other side of planted_parent_fkey begins with id",
    ]


async def fingerprint(connection: asyncpg.Connection) -> dict[str, list[Any]]:
    """Everything about a schema that a migration can change."""
    queries = {
        "columns": """
            SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull, attgenerated,
                   attacl::text
            FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
            WHERE c.relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
        """,
        "relations": """
            SELECT relname, relkind::text, relowner::regrole::text, relacl::text, relrowsecurity, relforcerowsecurity,
                   reloptions::text
            FROM pg_class WHERE relnamespace = 'public'::regnamespace
        """,
        "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint",
        "policies": "SELECT * FROM pg_policies",
        "triggers": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        "functions": "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        "version": "SELECT * FROM alembic_version",
        "roles": "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles",
    }
    return {name: sorted(map(repr, await connection.fetch(query))) for name, query in queries.items()}


@pytest.mark.parametrize("service", SERVICES)
async def test_migrating_again_changes_nothing_and_loads_no_history(
    scratch: dict[str, str], service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("shared.migrations.upgrade")
    connection = await asyncpg.connect(scratch[service])
    try:
        before = await fingerprint(connection)
        assert before["columns"] and before["policies"]
        assert before["version"] == [f"<Record version_num={newest(service)!r}>"]
        await upgrade(service, scratch[service])
        assert await fingerprint(connection) == before
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
def test_the_history_is_one_line_from_one_beginning(service: str) -> None:
    from alembic.script import ScriptDirectory

    from shared.migrations import config

    script = ScriptDirectory.from_config(config(service, ""))
    assert len(script.get_heads()) == len(script.get_bases()) == 1
    assert newest(service) == script.get_current_head()


async def test_a_migration_waits_for_those_who_work_and_holds_up_nobody(backend: Backend) -> None:
    url = address(backend.admin_url, "scratch_busy")
    server = await asyncpg.connect(backend.admin_url)
    await server.execute("DROP DATABASE IF EXISTS scratch_busy WITH (FORCE)")
    await server.execute("CREATE DATABASE scratch_busy TEMPLATE template0")
    await server.close()
    await upgrade("goals", url)
    busy, other = await asyncpg.connect(url), await asyncpg.connect(url)
    await busy.execute("UPDATE alembic_version SET version_num = '0003'")
    transaction = busy.transaction()
    await transaction.start()
    await busy.execute("LOCK TABLE dead_letter IN ACCESS SHARE MODE")
    migrating = asyncio.create_task(upgrade("goals", url))
    waiting = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"
    while not await other.fetchval(waiting):  # noqa: ASYNC110 - it is the server that tells
        await asyncio.sleep(0.05)
    # It stands behind the migration, which gives up before it does.
    await asyncio.wait_for(other.fetchval("SELECT count(*) FROM dead_letter"), 20)
    assert not migrating.done()
    await transaction.commit()
    await migrating
    assert await other.fetchval("SELECT version_num FROM alembic_version") == newest("goals")
    await busy.close()
    await other.close()

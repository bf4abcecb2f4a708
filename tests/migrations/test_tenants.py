"""Tenants apart: tried with the two roles, as a transaction of the service would, on every table of every service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from shared.db import Database, DatabaseError
from shared.migrations import roles
from shared.names import SERVICES
from tests.conftest import Backend
from tests.migrations.conftest import Connect
from tests.migrations.rows import OURS, THEIRS, Table, fill

SWEPT = {"outbox", "inbox", "idempotency"}
"""The relay and the sweeper delete rows of all tenants here."""
SET_ASIDE = {"outbox_refused"}
"""The relay sets rows of any tenant aside here."""

Refused = asyncpg.InsufficientPrivilegeError


@asynccontextmanager
async def acting(connection: asyncpg.Connection, role: str, setting: str, value: str) -> AsyncIterator[None]:
    """Be a role with its setting, as `shared.db` sets it; what is done is undone."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        await connection.execute(f"SET LOCAL ROLE {role}")
        await connection.execute("SELECT set_config($1, $2, true)", setting, value)
        yield
    finally:
        await attempt.rollback()


async def _may(connection: asyncpg.Connection, role: str, table: str, right: str) -> bool:
    may: bool = await connection.fetchval("SELECT has_any_column_privilege($1, $2, $3)", role, table, right)
    return may


async def _touched(connection: asyncpg.Connection, statement: str) -> int | None:
    """How many rows a statement touched; None when it was refused."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        return int((await connection.execute(statement)).split()[-1])
    except Refused:
        return None
    except asyncpg.UniqueViolationError:
        return 1  # an index found it: row-level security, which is asked before, had let it pass
    finally:
        await attempt.rollback()


async def _update(connection: asyncpg.Connection, role: str, table: Table) -> str:
    """An update of every row that is allowed as far as columns go, if any is."""
    column = await connection.fetchval(
        """
        SELECT attname FROM pg_attribute
        WHERE attrelid = CAST($2 AS text)::regclass AND attnum > 0 AND NOT attisdropped
              AND attgenerated = '' AND attidentity = '' AND attname <> 'tenant_id'
        ORDER BY has_column_privilege($1, attrelid, attnum, 'UPDATE') DESC, attnotnull, attnum LIMIT 1
        """,
        role,
        table.name,
    )
    return f"UPDATE {table.name} SET {column} = {table.columns.get(column, 'NULL')}"


async def leaks_to_the_application(connection: asyncpg.Connection, service: str, table: Table) -> list[str]:
    """What the application role of one tenant sees or changes of another's rows."""
    app, _ = roles(service)
    reads, writes = [await _may(connection, app, table.name, right) for right in ("SELECT", "UPDATE")]
    change = await _update(connection, app, table)
    leaks = []
    async with acting(connection, app, "leadflow.tenant", OURS):
        if reads:
            seen = [row["tenant_id"] for row in await connection.fetch(f"SELECT tenant_id FROM {table.name}")]
            if seen != [OURS]:
                leaks.append(f"{table.name}: {OURS} sees {seen}")
        if await _touched(connection, table.insert(THEIRS)) is not None:
            leaks.append(f"{table.name}: {OURS} inserts for {THEIRS}")
        if writes and await _touched(connection, f"UPDATE {table.name} SET tenant_id = '{THEIRS}'"):
            leaks.append(f"{table.name}: {OURS} gives its row to {THEIRS}")
        for statement in (change, f"DELETE FROM {table.name}"):
            touched = await _touched(connection, statement)
            if touched is not None and touched != 1:
                leaks.append(f"{table.name}: {OURS} touches {touched} rows by {statement}")
    async with acting(connection, app, "leadflow.tenant", ""):
        if reads and await connection.fetchval(f"SELECT count(*) FROM {table.name}"):
            leaks.append(f"{table.name}: nobody in particular sees rows")
    return leaks


async def leaks_to_the_worker(connection: asyncpg.Connection, service: str, table: Table) -> list[str]:
    """What the worker role writes outside its batch's tenants."""
    _, worker = roles(service)
    change = await _update(connection, worker, table)
    leaks = []
    for batch, rows in ((OURS, 1), ("", 0), (f"{OURS},{THEIRS}", 2)):
        async with acting(connection, worker, "leadflow.tenants", batch):
            inserted = await _touched(connection, table.insert(THEIRS))
            if inserted and THEIRS not in batch and table.name not in SET_ASIDE:
                leaks.append(f"{table.name}: the batch of {batch!r} inserts for {THEIRS}")
            for statement in (change, f"DELETE FROM {table.name}"):
                if statement != change and table.name in SWEPT:
                    continue
                touched = await _touched(connection, statement)
                if touched not in (rows, None):
                    leaks.append(f"{table.name}: the batch of {batch!r} touches {touched} rows by {statement}")
    return leaks


@pytest.mark.parametrize("service", SERVICES)
async def test_the_application_sees_and_writes_one_tenant_s_rows_only(connect: Connect, service: str) -> None:
    connection = await connect(service)
    tables = await fill(connection)
    assert len(tables) > 8
    assert [leak for table in tables for leak in await leaks_to_the_application(connection, service, table)] == []


@pytest.mark.parametrize("service", SERVICES)
async def test_the_workers_write_the_tenants_of_their_batch_only(connect: Connect, service: str) -> None:
    connection = await connect(service)
    tables = await fill(connection)
    assert [leak for table in tables for leak in await leaks_to_the_worker(connection, service, table)] == []


@pytest.mark.parametrize("service", SERVICES)
async def test_the_workers_read_every_tenant(connect: Connect, service: str) -> None:
    connection = await connect(service)
    _, worker = roles(service)
    for table in await fill(connection):
        if await _may(connection, worker, table.name, "SELECT"):
            async with acting(connection, worker, "leadflow.tenants", ""):
                assert await connection.fetchval(f"SELECT count(*) FROM {table.name}") == 2, table.name


@pytest.mark.parametrize(
    ("plant", "of_application", "of_worker"),
    [
        ("ALTER TABLE alert DISABLE ROW LEVEL SECURITY", 6, 6),
        ("CREATE POLICY planted ON alert USING (true)", 6, 6),
        ("CREATE POLICY planted ON alert FOR INSERT WITH CHECK (true)", 1, 2),
        ("CREATE POLICY planted ON alert FOR SELECT USING (tenant_id <> '')", 2, 0),
    ],
)
async def test_a_planted_hole_leaks(connect: Connect, plant: str, of_application: int, of_worker: int) -> None:
    connection = await connect("stages")
    table = next(table for table in await fill(connection) if table.name == "alert")
    await connection.execute(plant)
    assert len(await leaks_to_the_application(connection, "stages", table)) == of_application
    assert len(await leaks_to_the_worker(connection, "stages", table)) == of_worker


@pytest.fixture(params=SERVICES)
async def database(backend: Backend, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    database = Database(backend.url(request.param), request.param)
    yield database
    await database.close()


_REMEMBER = "INSERT INTO erased (tenant_id, lead_id) VALUES (:tenant, :lead)"


async def test_a_unit_of_work_of_one_tenant_knows_no_other(database: Database, tenant: str) -> None:
    other, lead = f"{tenant}-other", uuid4()
    async with database.tenant(other) as work:
        await work.run(_REMEMBER, tenant=other, lead=lead)
    async with database.tenant(tenant) as work:
        assert await work.fetch("SELECT * FROM erased") == []
        assert await work.run("DELETE FROM erased") == 0
        assert await work.run("UPDATE erased SET at = now()") == 0
    with pytest.raises(DatabaseError, match="row-level security"):
        async with database.tenant(tenant) as work:
            await work.run(_REMEMBER, tenant=other, lead=uuid4())
    async with database.tenant(other) as work:
        assert [row["lead_id"] for row in await work.fetch("SELECT lead_id FROM erased")] == [lead]


async def test_a_unit_of_work_of_a_batch_writes_no_other_tenant(database: Database, tenant: str) -> None:
    other, lead = f"{tenant}-other", uuid4()
    async with database.worker([tenant, other]) as work:
        await work.run(_REMEMBER, tenant=tenant, lead=lead)
        await work.run(_REMEMBER, tenant=other, lead=lead)
    for batch in ([tenant], []):
        with pytest.raises(DatabaseError, match="row-level security"):
            async with database.worker(batch) as work:
                await work.run(_REMEMBER, tenant=other, lead=uuid4())
        async with database.worker(batch) as work:
            seen = await work.fetch("SELECT tenant_id FROM erased WHERE lead_id = :lead", lead=lead)
            assert {row["tenant_id"] for row in seen} == {tenant, other}
            assert await work.run("DELETE FROM erased WHERE tenant_id = :other", other=other) == 0


async def test_the_tenant_of_one_transaction_is_not_that_of_the_next(database: Database, tenant: str) -> None:
    """A pooled connection carries nothing over: the setting ends with its transaction."""
    async with database.tenant(tenant) as work:
        await work.run(_REMEMBER, tenant=tenant, lead=uuid4())
    for _ in range(3):
        connection = await database.app.take()
        assert await connection.fetchval("SELECT count(*) FROM erased") == 0
        await database.app.give_back(connection)

"""The guarantees of the database: the schema, isolation of tenants, index lookups."""

from itertools import pairwise

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.capture.rules.contact import normalise
from services.capture.store import blocks, candidates, duplicates, failed_searches, leads
from services.capture.tables import metadata
from shared.db import DatabaseError
from shared.ids import uuid7
from shared.migrations import MESSAGING_TABLES
from shared.migrations.engine import make_engine

TABLES = (
    "lead",
    "lead_identity",
    "merge",
    "duplicate",
    "blocking_key",
    "duplicate_search",
    "failed_search",
    "import_job",
    "import_chunk",
    "import_error",
)
PHONE = "+12025550143"


@pytest.fixture
async def full_tenant(capture, tenant):
    """A tenant with a row in every table."""
    api = capture.client(tenant, "operator")
    leads = [
        (await api.post("/v1/leads", json={"source": "web", "external_id": mail, "email": mail, "phone": PHONE})).json()
        for mail in ("a@x.example", "b@x.example")
    ]
    merged = await api.post(f"/v1/leads/{leads[0]['lead_id']}/merge", json={"alias_id": leads[1]["lead_id"]})
    assert merged.status_code == 201
    async with capture.database.tenant(tenant) as work:
        key = {"tenant": tenant, "id": uuid7()}
        await work.run(
            """
            INSERT INTO import_job VALUES (:tenant, :id, 'failed', 's', 'f', '{}', '{}', 1, 0, 1, 0, 0, 0, NULL, NULL,
                                           NULL, '', now(), 'human:ann', now(), NULL)
            """,
            **key,
        )
        await work.run("INSERT INTO import_chunk VALUES (:tenant, :id, 0, '')", **key)
        await work.run(
            "INSERT INTO import_error (tenant_id, import_id, line, value, reason) VALUES (:tenant, :id, 1, '', '')",
            **key,
        )
        # The search for duplicates may have taken its own away, and has not stored any yet.
        await blocks.request_search(work, [(tenant, key["id"])])
        await failed_searches.record(work, (tenant, key["id"]), "a reason")
        await work.run("INSERT INTO blocking_key VALUES (:tenant, 1, :id)", **key)
        for table in TABLES:
            assert await work.fetch(f"SELECT tenant_id FROM {table}"), table
    return tenant


async def test_the_migrations_make_the_declared_tables(backend):
    def compare(connection):
        def is_own(name, kind, parents):
            return kind != "table" or name not in MESSAGING_TABLES | {"alembic_version"}

        context = MigrationContext.configure(connection, opts={"include_name": is_own, "compare_type": True})
        return compare_metadata(context, metadata)

    engine = make_engine(backend.owner_url("capture"), application="test")
    async with engine.connect() as connection:
        assert await connection.run_sync(compare) == []
    await engine.dispose()


async def test_the_application_role_sees_and_changes_only_its_tenant(capture, full_tenant):
    for table in TABLES:
        async with capture.database.tenant(f"{full_tenant}-x") as work:
            assert await work.fetch(f"SELECT tenant_id FROM {table}") == [], table
            assert await work.run(f"UPDATE {table} SET tenant_id = tenant_id") == 0, table
            assert await work.run(f"DELETE FROM {table}") == 0, table


async def test_no_role_writes_a_row_of_another_tenant(capture, full_tenant):
    for table in TABLES:
        row = f"INSERT INTO {table} (tenant_id) VALUES (:tenant)"
        with pytest.raises(DatabaseError, match=r"row-level security|null value"):
            async with capture.database.tenant(f"{full_tenant}-x") as work:
                await work.run(row, tenant=full_tenant)
    async with capture.database.worker([f"{full_tenant}-x"]) as work:
        assert await work.fetch("SELECT tenant_id FROM lead WHERE tenant_id = :t", t=full_tenant)
        for table in TABLES:
            assert await work.run(f"DELETE FROM {table} WHERE tenant_id = :t", t=full_tenant) == 0, table
    with pytest.raises(DatabaseError, match="row-level security"):
        async with capture.database.worker([f"{full_tenant}-x"]) as work:
            await work.run("INSERT INTO lead_identity VALUES (:t, 's', 'new', :id)", t=full_tenant, id=uuid7())


async def test_without_a_tenant_nothing_is_seen(capture, full_tenant):
    async with capture.database.tenant("") as work:
        for table in TABLES:
            assert await work.fetch(f"SELECT tenant_id FROM {table}") == [], table


@pytest.mark.parametrize("role", ["tenant", "worker"])
async def test_every_submission_is_found_by_index_however_young_the_table(capture, tenant, role):
    fields = {"external_id": "1", "email": "a@x.example", "phone": PHONE, "full_name": "Ada King", "company": "Acme"}
    contact, _ = normalise({"source": "web", **fields}, capture.app.state.normaliser)
    assert contact is not None
    plan: list[str] = []
    async with getattr(capture.database, role)(tenant if role == "tenant" else [tenant]) as work:
        await candidates.forbid_table_scans(work)
        fetch = work.fetch

        async def explain(statement, **parameters):
            plan.extend(row["QUERY PLAN"] for row in await fetch(f"EXPLAIN {statement}", **parameters))
            return []

        work.fetch = explain
        await candidates.find(work, [(tenant, contact)])
        await leads.lock(work, [(tenant, uuid7())])
    text = "\n".join(plan)
    conditions = [line.strip() for line in plan if "Index Cond" in line]
    assert "Seq Scan" not in text
    assert len(conditions) == 6
    assert all(condition.count(" = w") >= 2 for condition in conditions), text


async def test_the_search_for_duplicates_reads_by_index(capture, tenant):
    plan: list[str] = []
    key = (tenant, uuid7())
    async with capture.database.worker([tenant]) as work:
        numbers = "generate_series(1, 5000) AS n"
        for statement in (
            f"INSERT INTO blocking_key SELECT :tenant, n, :lead FROM {numbers}",
            f"INSERT INTO duplicate_search (tenant_id, lead_id) SELECT :tenant, :lead FROM {numbers}",
            f"""
            INSERT INTO duplicate (tenant_id, pair_id, lead_a, lead_b, score, reasons, state, found_on)
            SELECT :tenant, md5('pair' || n)::uuid, (lpad(to_hex(n), 32, '0'))::uuid, :lead, 0.5, ARRAY['same name'],
                   'open', now()
            FROM {numbers}
            """,
        ):
            await work.run(statement, tenant=tenant, lead=key[1])
        await blocks.plan_anew(work)
        fetch, fetch_tuples = work.fetch, work.fetch_tuples

        async def explain(statement, **parameters):
            plan.extend(row["QUERY PLAN"] for row in await fetch(f"EXPLAIN {statement}", **parameters))
            return await fetch_tuples(statement, **parameters) if statement.lstrip().startswith("SELECT") else []

        work.fetch = work.fetch_tuples = work.run = explain
        await blocks.waiting_tenants(work, 5)
        await blocks.take_waiting(work, [tenant], 5)
        await blocks.with_aliases(work, [key])
        await blocks.replace_keys(work, {key: frozenset([1])})
        await blocks.neighbours(work, {key: frozenset([1])}, 5)
        await duplicates.known_pairs(work, [key])
    text = "\n".join(plan)
    assert "Seq Scan" not in text
    # The small tables of this test may as well be read by tenant; the keys, of which there are most, never.
    of_keys = [condition for scan, condition in pairwise(plan) if "Scan" in scan and "blocking_key" in scan]
    assert len(of_keys) == 2, text
    assert all("key = w.key" in condition or "lead_id = w.lead_id" in condition for condition in of_keys), text

"""Nobody goes round row-level security: who the roles are, what they may, what every table is behind."""

import asyncpg
import pytest

from shared.migrations import roles
from shared.names import SERVICES
from tests.conftest import Backend
from tests.migrations.conftest import Connect

OF_NO_TENANT = {
    ("*", "alembic_version"): "the schema's version, read by /readyz",
    ("outreach", "service_key"): "the service's one secret belongs to no tenant",
}
"""Tables without row-level security, and why. Both roles may read them, neither may write."""

POLICIES = {"tenant", "reads", "adds", "changes", "removes"}
BESIDES = {
    "outbox": {"sweeps"},
    "inbox": {"sweeps"},
    "idempotency": {"sweeps"},
    "outbox_refused": {"sets_aside"},
    "dead_letter": {"buries", "reburies"},
}
"""Policies that a table has besides: the relay and the sweeper work over all tenants, some records have no tenant."""

OF_TENANT = "(tenant_id = ( SELECT current_setting('leadflow.tenant'::text, true) AS current_setting))"
OF_BATCH = (
    "(tenant_id = ANY (( SELECT string_to_array(current_setting('leadflow.tenants'::text, true), ','::text)"
    " AS string_to_array)::text[]))"
)


def _of_no_tenant(service: str) -> set[str]:
    return {table for owner, table in OF_NO_TENANT if owner in ("*", service)}


async def unprotected(connection: asyncpg.Connection, service: str) -> list[str]:
    """Tables whose rows are not behind forced row-level security, and relations that go round it."""
    complaints = []
    for row in await connection.fetch(
        """
        SELECT relname, relkind::text AS kind, relrowsecurity AND relforcerowsecurity AS secured,
               EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant_id' AND attnotnull)
               AS tenant
        FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
        ORDER BY relname
        """
    ):
        table = row["relname"]
        if row["kind"] != "r":
            complaints.append(f"{table}: a relation of kind {row['kind']} reads as its owner, who sees everything")
        elif table in _of_no_tenant(service):
            continue
        elif not row["secured"]:
            complaints.append(f"{table}: row-level security is not forced")
        elif not row["tenant"]:
            complaints.append(f"{table}: has no tenant_id")
    for row in await connection.fetch(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef ORDER BY 1"
    ):
        complaints.append(f"{row['proname']}: a function that runs as its owner, who sees everything")
    return complaints


async def loose_policies(connection: asyncpg.Connection, service: str) -> list[str]:
    """Policies that are missing, unknown, for anybody else, or that let more through than the tenant or the batch."""
    app, worker = roles(service)
    wanted = {
        "tenant": ("ALL", app, OF_TENANT, OF_TENANT),
        "reads": ("SELECT", worker, "true", None),
        "adds": ("INSERT", worker, None, OF_BATCH),
        "changes": ("UPDATE", worker, OF_BATCH, OF_BATCH),
        "removes": ("DELETE", worker, OF_BATCH, None),
    }
    found: dict[str, dict[str, asyncpg.Record]] = {
        row["relname"]: {}
        for row in await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        if row["relname"] not in _of_no_tenant(service)
    }
    for row in await connection.fetch("SELECT * FROM pg_policies WHERE schemaname = 'public'"):
        found.setdefault(row["tablename"], {})[row["policyname"]] = row
    complaints = []
    for table, policies in sorted(found.items()):
        allowed = POLICIES | BESIDES.get(table, set())
        complaints += [f"{table}: policy {name} is missing" for name in sorted(allowed - policies.keys())]
        complaints += [f"{table}: policy {name} is unknown" for name in sorted(policies.keys() - allowed)]
        for name, row in sorted(policies.items()):
            if name in wanted and (row["cmd"], *row["roles"], row["qual"], row["with_check"]) != wanted[name]:
                complaints.append(f"{table}: policy {name} says something else")
            elif set(row["roles"]) - {app, worker}:
                complaints.append(f"{table}: policy {name} is for {row['roles']}")
    return complaints


async def too_mighty(connection: asyncpg.Connection, service: str) -> list[str]:
    """What is wrong with a service's three roles: rights of the whole cluster, ownership, memberships."""
    app, worker = roles(service)
    login = f"leadflow_{service}"
    names = [app, worker, login]
    complaints = []
    for row in await connection.fetch(
        """
        SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin, rolinherit
        FROM pg_roles WHERE rolname = ANY($1) ORDER BY 1
        """,
        names,
    ):
        complaints += [
            f"{row['rolname']}: {might}"
            for might in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication")
            if row[might]
        ]
        if row["rolcanlogin"] != (row["rolname"] == login):
            complaints.append(f"{row['rolname']}: {'logs in' if row['rolcanlogin'] else 'does not log in'}")
    for row in await connection.fetch(
        """
        SELECT o.relname AS what, r.rolname AS owner FROM pg_class o JOIN pg_roles r ON r.oid = o.relowner
        UNION ALL SELECT o.nspname, r.rolname FROM pg_namespace o JOIN pg_roles r ON r.oid = o.nspowner
        UNION ALL SELECT o.proname, r.rolname FROM pg_proc o JOIN pg_roles r ON r.oid = o.proowner
        UNION ALL SELECT o.datname, r.rolname FROM pg_database o JOIN pg_roles r ON r.oid = o.datdba
        """
    ):
        if row["owner"] in names:
            complaints.append(f"{row['owner']}: owns {row['what']}")
    memberships = {
        (row["member"], row["of"])
        for row in await connection.fetch(
            """
            SELECT m.rolname AS member, g.rolname AS of FROM pg_auth_members a
            JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid
            """
        )
    }
    complaints += [
        f"{member}: is a member of {group}"
        for member, group in sorted(memberships)
        if member in names and (member, group) not in {(login, app), (login, worker)}
    ]
    complaints += [
        f"{name}: may create in the schema public"
        for name in names
        if await connection.fetchval("SELECT has_schema_privilege($1, 'public', 'CREATE')", name)
    ]
    return complaints


async def foreign_grants(connection: asyncpg.Connection, service: str) -> list[str]:
    """Rights on tables that somebody else than the service's two roles holds, or that are more than reading rows."""
    rows = await connection.fetch(
        """
        SELECT c.relname, CASE a.grantee WHEN 0 THEN 'everybody' ELSE a.grantee::regrole::text END AS grantee,
               a.privilege_type AS right
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
        WHERE c.relnamespace = 'public'::regnamespace AND a.grantee <> c.relowner
        ORDER BY 1, 2, 3
        """
    )
    complaints = []
    for row in rows:
        allowed = {"SELECT"} if row["relname"] in _of_no_tenant(service) else {"SELECT", "INSERT", "UPDATE", "DELETE"}
        if row["grantee"] not in roles(service) or row["right"] not in allowed:
            complaints.append(f"{row['grantee']}: {row['right']} on {row['relname']}")
    return complaints


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_is_behind_forced_row_level_security(connect: Connect, service: str) -> None:
    assert await unprotected(await connect(service), service) == []


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_has_the_policies_of_tenant_and_batch(connect: Connect, service: str) -> None:
    assert await loose_policies(await connect(service), service) == []


@pytest.mark.parametrize("service", SERVICES)
async def test_the_roles_of_a_service_own_nothing_and_bypass_nothing(connect: Connect, service: str) -> None:
    assert await too_mighty(await connect(service), service) == []


@pytest.mark.parametrize("service", SERVICES)
async def test_nobody_but_the_two_roles_has_rights_on_the_tables(connect: Connect, service: str) -> None:
    assert await foreign_grants(await connect(service), service) == []


async def test_planted_holes_in_the_tables_are_found(connect: Connect) -> None:
    connection = await connect("goals")
    await connection.execute(
        """
        CREATE TABLE planted (tenant_id text PRIMARY KEY);
        CREATE VIEW planted_view AS SELECT * FROM goal;
        CREATE FUNCTION planted_function() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM goal';
        ALTER TABLE goal NO FORCE ROW LEVEL SECURITY;
        """
    )
    assert await unprotected(connection, "goals") == [
        "goal: row-level security is not forced",
        "planted: row-level security is not forced",
        "planted_view: a relation of kind v reads as its owner, who sees everything",
        "planted_function: a function that runs as its owner, who sees everything",
    ]


async def test_planted_loose_policies_are_found(connect: Connect) -> None:
    connection = await connect("goals")
    await connection.execute(
        """
        CREATE POLICY planted ON lead USING (true);
        DROP POLICY removes ON goal;
        DROP POLICY tenant ON goal;
        CREATE POLICY tenant ON goal TO leadflow_goals_app USING (true);
        """
    )
    assert await loose_policies(connection, "goals") == [
        "goal: policy removes is missing",
        "goal: policy tenant says something else",
        "lead: policy planted is unknown",
        "lead: policy planted is for ['public']",
    ]


async def test_planted_might_of_a_role_is_found(connect: Connect) -> None:
    connection = await connect("goals")
    await connection.execute(
        """
        ALTER ROLE leadflow_goals_worker BYPASSRLS;
        ALTER ROLE leadflow_goals_app LOGIN;
        ALTER TABLE goal OWNER TO leadflow_goals;
        GRANT leadflow_goals_worker TO leadflow_goals_app;
        GRANT CREATE ON SCHEMA public TO leadflow_goals_app;
        """
    )
    found = await too_mighty(connection, "goals")
    assert {
        "leadflow_goals_worker: rolbypassrls",
        "leadflow_goals_app: logs in",
        "leadflow_goals: owns goal",
        "leadflow_goals_app: is a member of leadflow_goals_worker",
        "leadflow_goals_app: may create in the schema public",
    } <= set(found)


async def test_planted_rights_of_others_are_found(connect: Connect) -> None:
    connection = await connect("goals")
    await connection.execute(
        "GRANT SELECT ON goal TO PUBLIC, leadflow_stages_app; GRANT TRUNCATE ON goal TO leadflow_goals_app"
    )
    assert await foreign_grants(connection, "goals") == [
        "everybody: SELECT on goal",
        "leadflow_goals_app: TRUNCATE on goal",
        "leadflow_stages_app: SELECT on goal",
    ]


@pytest.mark.parametrize("service", SERVICES)
async def test_the_login_by_itself_reads_nothing_and_becomes_nobody_else(backend: Backend, service: str) -> None:
    other = roles("goals" if service != "goals" else "stages")
    connection = await asyncpg.connect(backend.url(service))
    try:
        for statement in (
            "SELECT FROM outbox",
            "SELECT FROM alembic_version",
            f"SET ROLE {other[0]}",
            f"SET ROLE {other[1]}",
            "SET session_replication_role = replica",
            "ALTER TABLE outbox DISABLE ROW LEVEL SECURITY",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        for role in roles(service):
            await connection.execute(f"SET ROLE {role}; SELECT FROM alembic_version; RESET ROLE")
    finally:
        await connection.close()

"""What every service's migrations share: the messaging tables, row-level security, and the runner.

The functions that create tables are frozen history like the migrations that call them: change a table by a new
function with a new number, never by editing an old one.
"""

import asyncio
from pathlib import Path

from alembic import command, context, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, text
from sqlalchemy.engine import Connection

from shared.db import make_engine

SERVICES = ("capture", "enrichment", "scoring", "stages", "outreach", "goals")
_ALL = "SELECT, INSERT, UPDATE, DELETE"
_ROOT = Path(__file__).resolve().parent.parent


def roles(service: str) -> tuple[str, str]:
    """The application role and the worker role of a service. Neither logs in, owns anything, or bypasses security."""
    return f"leadflow_{service}_app", f"leadflow_{service}_worker"


def create_roles(service: str) -> None:
    """Both roles, made once for each cluster, and the right to use the schema."""
    for role in roles(service):
        op.execute(
            f"""
            DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                    CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
                END IF;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$
            """
        )
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        op.execute(f"GRANT SELECT ON alembic_version TO {role}")


def secure(service: str, table: str, *, app: str = _ALL, worker: str = _ALL) -> None:
    """Forced row-level security on `table`, and the rights of the two roles (comma-separated, '' for none).

    The application role sees the tenant that its transaction names; the worker role reads all and writes the tenants
    of its batch. Both settings are local to a transaction, so a pooled connection carries nothing over.
    """
    of_app, of_worker = roles(service)
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"""
        CREATE POLICY tenant ON {table} TO {of_app}
        USING (tenant_id = (SELECT current_setting('leadflow.tenant', true)))
        WITH CHECK (tenant_id = (SELECT current_setting('leadflow.tenant', true)))
        """
    )
    op.execute(f"CREATE POLICY reads ON {table} FOR SELECT TO {of_worker} USING (true)")
    batch = "(tenant_id = ANY ((SELECT string_to_array(current_setting('leadflow.tenants', true), ','))::text[]))"
    op.execute(f"CREATE POLICY adds ON {table} FOR INSERT TO {of_worker} WITH CHECK {batch}")
    op.execute(f"CREATE POLICY changes ON {table} FOR UPDATE TO {of_worker} USING {batch} WITH CHECK {batch}")
    op.execute(f"CREATE POLICY removes ON {table} FOR DELETE TO {of_worker} USING {batch}")
    if app:
        op.execute(f"GRANT {app} ON {table} TO {of_app}")
    if worker:
        op.execute(f"GRANT {worker} ON {table} TO {of_worker}")


def messaging_tables(service: str) -> None:
    """Roles, outbox, inbox, dead letters, streams, idempotency keys, aliases, erased leads."""
    create_roles(service)
    _, worker = roles(service)
    op.execute(
        """
        CREATE TABLE outbox (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            tenant_id text NOT NULL,
            topic text NOT NULL,
            key text,
            headers text NOT NULL,
            value bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp()
        ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)
        """
    )
    op.execute(
        """
        CREATE TABLE outbox_refused (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            tenant_id text NOT NULL,
            topic text NOT NULL,
            key text,
            headers text NOT NULL,
            value bytea NOT NULL,
            reason text NOT NULL,
            at timestamptz NOT NULL DEFAULT clock_timestamp()
        )
        """
    )
    op.execute(
        """
        CREATE TABLE inbox (
            tenant_id text NOT NULL,
            digest uuid NOT NULL,
            seen_on timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (tenant_id, digest)
        )
        """
    )
    op.execute("CREATE INDEX inbox_seen ON inbox USING brin (seen_on)")
    op.execute(
        """
        CREATE TABLE lead_stream (
            tenant_id text NOT NULL,
            lead_id text NOT NULL,
            sent integer NOT NULL,
            PRIMARY KEY (tenant_id, lead_id)
        ) WITH (fillfactor = 80)
        """
    )
    op.execute(
        """
        CREATE TABLE dead_letter (
            id uuid PRIMARY KEY,
            tenant_id text NOT NULL,
            topic text NOT NULL,
            kafka_partition integer NOT NULL,
            kafka_offset bigint NOT NULL,
            key bytea,
            value bytea,
            headers jsonb NOT NULL,
            event_id text,
            subject text,
            error text NOT NULL,
            at timestamptz NOT NULL,
            replayed_at timestamptz,
            UNIQUE (topic, kafka_partition, kafka_offset)
        )
        """
    )
    op.execute("CREATE INDEX dead_letter_subject ON dead_letter (tenant_id, subject)")
    op.execute(
        """
        CREATE TABLE idempotency (
            tenant_id text NOT NULL,
            route text NOT NULL,
            key text NOT NULL,
            request_digest bytea NOT NULL,
            status integer NOT NULL,
            body bytea NOT NULL,
            headers jsonb NOT NULL DEFAULT '{}',
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (tenant_id, route, key)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE alias (
            tenant_id text NOT NULL,
            alias_id uuid NOT NULL,
            lead_id uuid NOT NULL,
            merge_id uuid NOT NULL,
            version integer NOT NULL,
            undone boolean NOT NULL DEFAULT false,
            PRIMARY KEY (tenant_id, alias_id)
        )
        """
    )
    op.execute("CREATE INDEX alias_lead ON alias (tenant_id, lead_id) WHERE NOT undone")
    op.execute(
        """
        CREATE TABLE erased (
            tenant_id text NOT NULL,
            lead_id uuid NOT NULL,
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (tenant_id, lead_id)
        )
        """
    )
    for table in ("lead_stream", "idempotency", "alias", "erased"):
        secure(service, table)
    secure(service, "dead_letter", app="SELECT, UPDATE, DELETE")
    secure(service, "inbox", app="SELECT, INSERT")
    secure(service, "outbox", app="INSERT", worker="SELECT, INSERT, DELETE")
    secure(service, "outbox_refused", app="", worker="SELECT, INSERT")
    # The relay empties the outbox of all tenants, and the sweeper the inbox; neither reads a row's content to decide.
    for table in ("outbox", "inbox", "idempotency"):
        op.execute(f"CREATE POLICY sweeps ON {table} FOR DELETE TO {worker} USING (true)")
    op.execute(f"CREATE POLICY sets_aside ON outbox_refused FOR INSERT TO {worker} WITH CHECK (true)")
    op.execute(f"CREATE POLICY buries ON dead_letter FOR INSERT TO {worker} WITH CHECK (tenant_id = '')")
    op.execute(
        f"CREATE POLICY reburies ON dead_letter FOR UPDATE TO {worker} "
        "USING (tenant_id = '') WITH CHECK (tenant_id = '')"
    )


MESSAGING_TABLES = frozenset(
    {"outbox", "outbox_refused", "inbox", "lead_stream", "dead_letter", "idempotency", "alias", "erased"}
)


def config(service: str, url: str) -> Config:
    """Alembic's configuration for a service, without a file."""
    made = Config()
    made.set_main_option("script_location", str(_ROOT / "services" / service / "migrations"))
    made.set_main_option("path_separator", "os")
    made.attributes["url"] = url
    return made


def run_env(service: str, metadata: MetaData) -> None:
    """The body of a service's `migrations/env.py`: run on the connection, or at the address, that the caller gave."""
    connection: Connection | None = context.config.attributes.get("connection")
    if connection is not None:
        _run(connection, metadata)
        return

    async def connect() -> None:
        engine = make_engine(context.config.attributes["url"], application=f"{service} migrations")
        async with engine.begin() as opened:
            await opened.run_sync(_run, metadata)
        await engine.dispose()

    asyncio.run(connect())


def _run(connection: Connection, metadata: MetaData) -> None:
    # Two migrators at once: the second waits and then finds nothing to do.
    connection.execute(text("SELECT pg_advisory_xact_lock(4711)"))
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


def upgrade(service: str, url: str) -> None:
    """Bring a service's database to head. Blocking; runs its own event loop."""
    command.upgrade(config(service, url), "head")


def head(service: str) -> str | None:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(config(service, "")).get_current_head()


def current(connection: Connection) -> str | None:
    """The revision that a database stands at."""
    return MigrationContext.configure(connection).get_current_revision()

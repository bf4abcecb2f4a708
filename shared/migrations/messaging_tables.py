"""The tables that every service's database has, their roles, and row-level security.

The functions that create tables are frozen history like the migrations that call them: change a table by a new
function that a new migration calls, never by editing an old one.
"""

from alembic import op

from shared.names import database_roles

_ALL = "SELECT, INSERT, UPDATE, DELETE"


def create_roles(service: str) -> None:
    """Both roles, made once for each cluster, and the right to use the schema.

    Neither logs in, owns anything, or bypasses security.
    """
    for role in database_roles(service):
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
    of_app, of_worker = database_roles(service)
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
    _, worker = database_roles(service)
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


def know_events_by_type() -> None:
    """An event is known by tenant, type, source and id: one of another type never takes its place."""
    op.execute("ALTER TABLE inbox ADD COLUMN type text NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE inbox DROP CONSTRAINT inbox_pkey, ADD PRIMARY KEY (tenant_id, digest, type)")


def name_publishers_of_dead_letters() -> None:
    """A dead letter shows the source that its event names, and is found by it and by the event's id."""
    op.execute("ALTER TABLE dead_letter ADD COLUMN source text")
    op.execute("CREATE INDEX dead_letter_event ON dead_letter (tenant_id, event_id)")


def dead_letters_of_several_clusters() -> None:
    """A dead letter of an earlier Kafka cluster gives up its offset to a record of the present one."""
    op.execute("ALTER TABLE dead_letter ALTER COLUMN kafka_offset DROP NOT NULL")


MESSAGING_TABLES = frozenset(
    {"outbox", "outbox_refused", "inbox", "lead_stream", "dead_letter", "idempotency", "alias", "erased"}
)

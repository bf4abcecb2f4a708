"""Providers that use a network: what tenants configured, answers by company, and leads whose facts are to be published.

Companies of a directory may be known by name alone.
"""

from alembic import op

from shared.migrations import secure

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE lead ADD COLUMN cause jsonb")
    op.execute("ALTER TABLE directory ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY")
    op.execute('ALTER TABLE directory ADD COLUMN name_key text COLLATE "C"')
    op.execute("ALTER TABLE directory DROP CONSTRAINT directory_pkey, ADD PRIMARY KEY (tenant_id, id)")
    op.execute("ALTER TABLE directory ALTER COLUMN domain DROP NOT NULL")
    op.execute("CREATE UNIQUE INDEX directory_domain ON directory (tenant_id, domain)")
    op.execute("CREATE INDEX directory_name ON directory (tenant_id, name_key) WHERE name_key IS NOT NULL")
    op.execute(
        """
        CREATE TABLE provider (
            tenant_id text NOT NULL,
            name text NOT NULL,
            kind text NOT NULL,
            position integer NOT NULL,
            enabled boolean NOT NULL,
            generation uuid NOT NULL,
            config jsonb NOT NULL,
            changed_at timestamptz NOT NULL,
            changed_by text NOT NULL,
            PRIMARY KEY (tenant_id, name)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE provider_secret (
            tenant_id text NOT NULL,
            provider text NOT NULL,
            header text NOT NULL,
            value text NOT NULL,
            PRIMARY KEY (tenant_id, provider, header)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE provider_state (
            tenant_id text NOT NULL,
            provider text NOT NULL,
            failures integer NOT NULL DEFAULT 0,
            paused_until timestamptz,
            tokens double precision,
            tokens_at timestamptz,
            minute_began timestamptz,
            minute_asked integer NOT NULL DEFAULT 0,
            minute_before integer NOT NULL DEFAULT 0,
            asked bigint NOT NULL DEFAULT 0,
            failed bigint NOT NULL DEFAULT 0,
            last_answer_at timestamptz,
            last_error text,
            last_error_at timestamptz,
            PRIMARY KEY (tenant_id, provider)
        ) WITH (fillfactor = 50)
        """
    )
    op.execute(
        """
        CREATE TABLE lookup (
            tenant_id text NOT NULL,
            generation uuid NOT NULL,
            key uuid NOT NULL,
            provider text NOT NULL,
            question jsonb NOT NULL,
            personal boolean NOT NULL,
            outcome text,
            findings jsonb,
            error text,
            ms integer,
            fetched_at timestamptz,
            expires_at timestamptz,
            due_at timestamptz,
            bulk boolean NOT NULL,
            attempts integer NOT NULL,
            leased_until timestamptz,
            PRIMARY KEY (tenant_id, generation, key)
        ) WITH (fillfactor = 80)
        """
    )
    op.execute("CREATE INDEX lookup_due ON lookup (tenant_id, generation, bulk, due_at) WHERE due_at IS NOT NULL")
    op.execute("CREATE INDEX lookup_expires ON lookup (expires_at) WHERE due_at IS NULL")
    op.execute(
        """
        CREATE TABLE lead_lookup (
            tenant_id text NOT NULL,
            lead_id uuid NOT NULL,
            generation uuid NOT NULL,
            key uuid NOT NULL,
            PRIMARY KEY (tenant_id, lead_id, generation)
        )
        """
    )
    op.execute("CREATE INDEX lead_lookup_key ON lead_lookup (tenant_id, generation, key)")
    op.execute(
        """
        CREATE TABLE publication (
            tenant_id text NOT NULL,
            lead_id uuid NOT NULL,
            due_at timestamptz NOT NULL,
            publish_by timestamptz NOT NULL,
            bulk boolean NOT NULL,
            PRIMARY KEY (tenant_id, lead_id)
        )
        """
    )
    op.execute("CREATE INDEX publication_due ON publication (bulk, due_at)")
    secure("enrichment", "provider", worker="SELECT")
    # The API may set a secret and never read it: only the columns that find it.
    secure(
        "enrichment",
        "provider_secret",
        app="SELECT (tenant_id, provider, header), INSERT, DELETE",
        worker="SELECT",
    )
    secure("enrichment", "provider_state", app="SELECT, DELETE")
    for table in ("lookup", "lead_lookup", "publication"):
        secure("enrichment", table)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup and rewind instead")

"""The tables of capture: leads and their external ids, merges, pairs for review, imports."""

from alembic import op

from shared.migrations import messaging_tables, secure

revision = "0001"
down_revision = None


def upgrade() -> None:
    messaging_tables("capture")
    op.execute(
        """
        CREATE TABLE lead (
            tenant_id text NOT NULL,
            lead_id uuid NOT NULL,
            version integer NOT NULL,
            source text NOT NULL,
            external_id text,
            owner text,
            email text,
            phone text,
            phone_first boolean NOT NULL,
            likeness bigint,
            details jsonb NOT NULL DEFAULT '{}',
            attributes jsonb NOT NULL DEFAULT '{}',
            consent jsonb NOT NULL DEFAULT '{}',
            marks jsonb NOT NULL DEFAULT '{}',
            as_of timestamptz NOT NULL,
            created_on timestamptz NOT NULL,
            updated_on timestamptz NOT NULL,
            merged_into uuid,
            merge_version integer NOT NULL,
            PRIMARY KEY (tenant_id, lead_id)
        ) WITH (fillfactor = 90)
        """
    )
    # Of two batches with the same new address the second fails here; its retry finds the lead of the first.
    op.execute(
        "CREATE UNIQUE INDEX lead_email ON lead (tenant_id, email) WHERE email IS NOT NULL AND merged_into IS NULL"
    )
    op.execute("CREATE UNIQUE INDEX lead_phone ON lead (tenant_id, phone) WHERE phone_first")
    op.execute(
        "CREATE INDEX lead_email_merged ON lead (tenant_id, email) WHERE email IS NOT NULL AND merged_into IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX lead_phone_more ON lead (tenant_id, phone, lead_id) WHERE phone IS NOT NULL AND NOT phone_first"
    )
    op.execute("CREATE INDEX lead_likeness ON lead (tenant_id, likeness, lead_id) WHERE likeness IS NOT NULL")
    op.execute(
        """
        CREATE TABLE lead_identity (
            tenant_id text NOT NULL,
            source text NOT NULL,
            external_id text NOT NULL,
            lead_id uuid NOT NULL,
            PRIMARY KEY (tenant_id, source, external_id)
        )
        """
    )
    op.execute("CREATE INDEX lead_identity_lead ON lead_identity (tenant_id, lead_id)")
    op.execute(
        """
        CREATE TABLE merge (
            tenant_id text NOT NULL,
            merge_id uuid NOT NULL,
            lead_id uuid NOT NULL,
            alias_id uuid NOT NULL,
            version integer NOT NULL,
            record jsonb NOT NULL,
            merged_on timestamptz NOT NULL,
            merged_by text NOT NULL,
            undone_on timestamptz,
            undone_by text,
            PRIMARY KEY (tenant_id, merge_id)
        )
        """
    )
    op.execute("CREATE INDEX merge_lead ON merge (tenant_id, lead_id)")
    op.execute("CREATE INDEX merge_alias ON merge (tenant_id, alias_id)")
    op.execute(
        """
        CREATE TABLE duplicate (
            tenant_id text NOT NULL,
            pair_id uuid NOT NULL,
            lead_a uuid NOT NULL,
            lead_b uuid NOT NULL,
            score double precision NOT NULL,
            reasons text[] NOT NULL,
            state text NOT NULL CHECK (state IN ('open', 'merged', 'distinct')),
            merge_id uuid,
            found_on timestamptz NOT NULL,
            decided_on timestamptz,
            decided_by text,
            PRIMARY KEY (tenant_id, pair_id),
            CHECK (lead_a < lead_b)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX duplicate_pair ON duplicate (tenant_id, lead_a, lead_b)")
    op.execute("CREATE INDEX duplicate_other ON duplicate (tenant_id, lead_b)")
    op.execute("CREATE INDEX duplicate_open ON duplicate (tenant_id, pair_id) WHERE state = 'open'")
    op.execute(
        """
        CREATE TABLE import_job (
            tenant_id text NOT NULL,
            import_id uuid NOT NULL,
            state text NOT NULL CHECK (state IN ('uploading', 'running', 'done', 'failed')),
            source text NOT NULL,
            file_name text NOT NULL,
            mapping jsonb NOT NULL,
            layout jsonb NOT NULL,
            size bigint NOT NULL,
            position bigint NOT NULL,
            line bigint NOT NULL,
            rows_read bigint NOT NULL,
            rows_taken bigint NOT NULL,
            rows_rejected bigint NOT NULL,
            rows_total bigint,
            reason text,
            idempotency_key text,
            request_digest bytea NOT NULL,
            created_on timestamptz NOT NULL,
            created_by text NOT NULL,
            touched_on timestamptz NOT NULL,
            finished_on timestamptz,
            PRIMARY KEY (tenant_id, import_id)
        )
        """
    )
    op.execute("CREATE INDEX import_job_due ON import_job (touched_on) WHERE state IN ('running', 'uploading')")
    op.execute(
        "CREATE UNIQUE INDEX import_job_key ON import_job (tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL"
    )
    op.execute(
        """
        CREATE TABLE import_chunk (
            tenant_id text NOT NULL,
            import_id uuid NOT NULL,
            number integer NOT NULL,
            data bytea NOT NULL,
            PRIMARY KEY (tenant_id, import_id, number),
            FOREIGN KEY (tenant_id, import_id) REFERENCES import_job
        )
        """
    )
    op.execute(
        """
        CREATE TABLE import_error (
            tenant_id text NOT NULL,
            import_id uuid NOT NULL,
            number bigint GENERATED ALWAYS AS IDENTITY,
            line bigint NOT NULL,
            column_name text,
            value text NOT NULL,
            reason text NOT NULL,
            lead_id uuid,
            PRIMARY KEY (tenant_id, import_id, number),
            FOREIGN KEY (tenant_id, import_id) REFERENCES import_job
        )
        """
    )
    op.execute("CREATE INDEX import_error_lead ON import_error (tenant_id, lead_id) WHERE lead_id IS NOT NULL")
    for table in ("lead", "lead_identity", "merge", "duplicate", "import_job", "import_chunk", "import_error"):
        secure("capture", table)

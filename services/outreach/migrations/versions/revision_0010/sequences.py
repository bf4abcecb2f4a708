"""The tables of sequences and enrolments of migration 0010."""

from alembic import op


def create_sequences() -> None:
    """Sequences with versions and templates, approvals of templates, enrolments with their steps, jobs."""
    _sequences()
    _enrolments()
    _jobs()


def _sequences() -> None:
    op.execute(
        """
        CREATE TABLE sequence (
            tenant_id text NOT NULL,
            sequence_id uuid NOT NULL,
            name text NOT NULL,
            state text NOT NULL DEFAULT 'inactive' CHECK (state IN ('inactive', 'active', 'paused')),
            version integer NOT NULL DEFAULT 1,
            highest_step integer NOT NULL,
            built_in text,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, sequence_id)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX sequence_built_in ON sequence (tenant_id, built_in) WHERE built_in IS NOT NULL")
    op.execute(
        """
        CREATE TABLE sequence_version (
            tenant_id text NOT NULL,
            sequence_id uuid NOT NULL,
            version integer NOT NULL,
            body jsonb NOT NULL,
            author text NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, sequence_id, version),
            FOREIGN KEY (tenant_id, sequence_id) REFERENCES sequence (tenant_id, sequence_id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE sequence_template (
            tenant_id text NOT NULL,
            sequence_id uuid NOT NULL,
            canonical text NOT NULL,
            sha256 text NOT NULL GENERATED ALWAYS AS (canonical_sha256(canonical)) STORED,
            PRIMARY KEY (tenant_id, sequence_id, sha256),
            FOREIGN KEY (tenant_id, sequence_id) REFERENCES sequence (tenant_id, sequence_id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE template_approval (
            tenant_id text NOT NULL,
            scope_id uuid NOT NULL,
            sha256 text NOT NULL,
            sequence_id uuid NOT NULL,
            enrolment_id uuid,
            draft_id uuid,
            draft_sha256 text,
            actor text NOT NULL CHECK (actor LIKE 'human:_%'),
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, scope_id, sha256),
            FOREIGN KEY (tenant_id, sequence_id, sha256)
                REFERENCES sequence_template (tenant_id, sequence_id, sha256),
            FOREIGN KEY (tenant_id, draft_id, draft_sha256) REFERENCES approval (tenant_id, draft_id, sha256),
            CHECK (scope_id = coalesce(enrolment_id, sequence_id)),
            CHECK ((enrolment_id IS NULL) = (draft_id IS NULL) AND (draft_id IS NULL) = (draft_sha256 IS NULL))
        )
        """
    )


def _enrolments() -> None:
    op.execute(
        """
        CREATE TABLE enrolment (
            tenant_id text NOT NULL,
            enrolment_id uuid NOT NULL,
            lead_id uuid NOT NULL,
            sequence_id uuid NOT NULL,
            version integer NOT NULL,
            state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'done', 'exited')),
            step integer,
            attempt integer NOT NULL DEFAULT 0,
            anchor_at timestamptz NOT NULL,
            not_before timestamptz,
            planned_at timestamptz,
            why text,
            due_at timestamptz,
            draft_id uuid,
            paused_until timestamptz,
            paused_by text,
            paused_by_reply uuid,
            reason text,
            detail text,
            cause text NOT NULL,
            cause_id text NOT NULL,
            nurture boolean NOT NULL DEFAULT false,
            nurture_next text,
            enrolled_by text NOT NULL,
            created_at timestamptz NOT NULL,
            ended_at timestamptz,
            PRIMARY KEY (tenant_id, enrolment_id),
            UNIQUE (tenant_id, sequence_id, lead_id, cause_id),
            FOREIGN KEY (tenant_id, sequence_id, version) REFERENCES sequence_version (tenant_id, sequence_id, version)
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX enrolment_one_active ON enrolment (tenant_id, lead_id) WHERE state IN ('active', 'paused')"
    )
    op.execute("CREATE INDEX enrolment_due ON enrolment (due_at) WHERE due_at IS NOT NULL")
    op.execute("CREATE INDEX enrolment_lead ON enrolment (tenant_id, lead_id, created_at)")
    op.execute("CREATE INDEX enrolment_draft ON enrolment (tenant_id, draft_id) WHERE draft_id IS NOT NULL")
    op.execute("CREATE INDEX enrolment_sequence ON enrolment (tenant_id, sequence_id, enrolment_id)")
    op.execute(
        """
        CREATE TABLE enrolment_step (
            tenant_id text NOT NULL,
            enrolment_id uuid NOT NULL,
            step integer NOT NULL,
            attempt integer NOT NULL,
            sequence_id uuid NOT NULL,
            lead_id uuid NOT NULL,
            draft_id uuid,
            channel text,
            review text NOT NULL,
            template_scope uuid,
            template_sha256 text,
            send_window jsonb,
            uses_up boolean NOT NULL DEFAULT true,
            state text NOT NULL,
            reason text,
            planned_at timestamptz,
            begun_at timestamptz NOT NULL,
            drafted_at timestamptz,
            decided_at timestamptz,
            decision text,
            edited boolean NOT NULL DEFAULT false,
            ended_at timestamptz,
            PRIMARY KEY (tenant_id, enrolment_id, step, attempt),
            FOREIGN KEY (tenant_id, enrolment_id) REFERENCES enrolment (tenant_id, enrolment_id)
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX enrolment_step_draft ON enrolment_step (tenant_id, draft_id) WHERE draft_id IS NOT NULL"
    )
    op.execute("CREATE INDEX enrolment_step_sequence ON enrolment_step (tenant_id, sequence_id, step)")
    op.execute(
        """
        CREATE TABLE enrolment_change (
            tenant_id text NOT NULL,
            enrolment_id uuid NOT NULL,
            change_id uuid NOT NULL,
            lead_id uuid NOT NULL,
            change text NOT NULL,
            actor text NOT NULL,
            note text,
            detail text,
            caused_by text,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, enrolment_id, change_id),
            FOREIGN KEY (tenant_id, enrolment_id) REFERENCES enrolment (tenant_id, enrolment_id)
        )
        """
    )


def _jobs() -> None:
    op.execute(
        """
        CREATE TABLE enrolment_job (
            tenant_id text NOT NULL,
            job_id uuid NOT NULL,
            sequence_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('enrol', 'move')),
            state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done')),
            actor text NOT NULL,
            note text,
            version integer,
            total integer NOT NULL,
            done integer NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL,
            ended_at timestamptz,
            PRIMARY KEY (tenant_id, job_id),
            FOREIGN KEY (tenant_id, sequence_id) REFERENCES sequence (tenant_id, sequence_id)
        )
        """
    )
    op.execute("CREATE INDEX enrolment_job_running ON enrolment_job (created_at) WHERE state = 'running'")
    op.execute(
        """
        CREATE TABLE enrolment_job_item (
            tenant_id text NOT NULL,
            job_id uuid NOT NULL,
            position integer NOT NULL,
            subject_id uuid NOT NULL,
            status integer,
            enrolment_id uuid,
            error text,
            PRIMARY KEY (tenant_id, job_id, position),
            FOREIGN KEY (tenant_id, job_id) REFERENCES enrolment_job (tenant_id, job_id)
        )
        """
    )
    op.execute(
        "CREATE INDEX enrolment_job_item_open ON enrolment_job_item (tenant_id, job_id, position) WHERE status IS NULL"
    )

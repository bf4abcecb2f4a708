"""Signals, scores, models, rescores."""

from alembic import op

from shared.migrations import messaging_tables, secure

revision = "0001"
down_revision = None


def upgrade() -> None:
    messaging_tables("scoring")
    op.execute(
        """
        CREATE TABLE signal (
            tenant_id text NOT NULL,
            digest uuid NOT NULL,
            lead_id uuid NOT NULL,
            type text NOT NULL,
            event_id text NOT NULL,
            source text NOT NULL,
            occurred_at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL,
            data jsonb NOT NULL,
            PRIMARY KEY (tenant_id, digest)
        )
        """
    )
    op.execute("CREATE INDEX signal_lead ON signal (tenant_id, lead_id)")
    op.execute(
        """
        CREATE TABLE lead (
            tenant_id text NOT NULL,
            lead_id uuid NOT NULL,
            seen_at timestamptz NOT NULL,
            revision integer NOT NULL,
            fit integer NOT NULL,
            intent integer NOT NULL,
            engagement integer NOT NULL,
            band text NOT NULL,
            model_version integer NOT NULL,
            scored_at timestamptz,
            next_change_at timestamptz,
            PRIMARY KEY (tenant_id, lead_id)
        ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)
        """
    )
    op.execute("CREATE INDEX lead_due ON lead (next_change_at) WHERE next_change_at IS NOT NULL")
    op.execute("CREATE INDEX lead_waiting ON lead (seen_at) WHERE scored_at IS NULL")
    op.execute(
        """
        CREATE TABLE model (
            tenant_id text NOT NULL,
            version integer NOT NULL,
            definition jsonb NOT NULL,
            created_at timestamptz NOT NULL,
            created_by text NOT NULL,
            PRIMARY KEY (tenant_id, version)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE active_model (
            tenant_id text NOT NULL,
            version integer NOT NULL,
            activated_at timestamptz NOT NULL,
            activated_by text NOT NULL,
            PRIMARY KEY (tenant_id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE rescore (
            tenant_id text NOT NULL,
            rescore_id uuid NOT NULL,
            version integer NOT NULL,
            state text NOT NULL,
            done integer NOT NULL,
            total integer NOT NULL,
            reached uuid,
            started_at timestamptz NOT NULL,
            progressed_at timestamptz NOT NULL,
            finished_at timestamptz,
            PRIMARY KEY (tenant_id, rescore_id)
        )
        """
    )
    op.execute("CREATE INDEX rescore_running ON rescore (progressed_at) WHERE state = 'running'")
    secure("scoring", "model", app="SELECT, INSERT", worker="SELECT")
    secure("scoring", "active_model", app="SELECT, INSERT, UPDATE", worker="SELECT")
    secure("scoring", "rescore", app="SELECT, INSERT, UPDATE", worker="SELECT, UPDATE")
    secure("scoring", "signal", app="SELECT")
    secure("scoring", "lead", app="SELECT")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup and rewind instead")

"""Leads with their facts, the tenants' company directories, settings."""

from alembic import op

from shared.migrations import messaging_tables, secure

revision = "0001"
down_revision = None


def upgrade() -> None:
    messaging_tables("enrichment")
    op.execute(
        """
        CREATE TABLE lead (
            tenant_id text NOT NULL,
            lead_id uuid NOT NULL,
            version integer NOT NULL,
            fields jsonb NOT NULL,
            facts jsonb NOT NULL,
            providers jsonb NOT NULL,
            revision integer NOT NULL,
            enriched_at timestamptz,
            PRIMARY KEY (tenant_id, lead_id)
        ) WITH (fillfactor = 80)
        """
    )
    op.execute(
        """
        CREATE TABLE directory (
            tenant_id text NOT NULL,
            domain text NOT NULL COLLATE "C",
            facts jsonb NOT NULL,
            PRIMARY KEY (tenant_id, domain)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE setting (
            tenant_id text NOT NULL,
            enabled boolean NOT NULL,
            changed_at timestamptz NOT NULL,
            changed_by text NOT NULL,
            PRIMARY KEY (tenant_id)
        )
        """
    )
    secure("enrichment", "lead", app="SELECT, UPDATE")
    secure("enrichment", "directory", worker="SELECT")
    secure("enrichment", "setting", app="SELECT, INSERT, UPDATE", worker="SELECT")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup and rewind instead")

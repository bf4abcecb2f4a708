"""Webhooks, and the deliveries that no lead could be made of."""

from alembic import op

from shared.migrations import secure

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE webhook (
            tenant_id text NOT NULL,
            token text NOT NULL,
            name text NOT NULL,
            source text NOT NULL,
            active boolean NOT NULL,
            settings jsonb NOT NULL DEFAULT '{}',
            secret bytea,
            created_on timestamptz NOT NULL,
            created_by text NOT NULL,
            changed_on timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, token)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE webhook_delivery (
            tenant_id text NOT NULL,
            token text NOT NULL,
            delivery_id uuid NOT NULL,
            state text NOT NULL CHECK (state IN ('kept', 'replayed')),
            body bytea NOT NULL,
            content_type text NOT NULL,
            whole boolean NOT NULL,
            errors jsonb NOT NULL,
            lead_id uuid,
            received_on timestamptz NOT NULL,
            replayed_on timestamptz,
            PRIMARY KEY (tenant_id, token, delivery_id)
        )
        """
    )
    op.execute(
        "CREATE INDEX webhook_delivery_kept ON webhook_delivery (tenant_id, token, delivery_id) WHERE state = 'kept'"
    )
    for table in ("webhook", "webhook_delivery"):
        secure("capture", table)

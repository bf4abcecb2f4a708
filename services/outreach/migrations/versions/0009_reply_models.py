"""The reply models that tenants have trained with their people's labels; replies that a language model is asked about."""

from alembic import op

from shared.migrations import secure

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE reply_model (
            tenant_id text PRIMARY KEY,
            digest bytea NOT NULL,
            model bytea NOT NULL CHECK (octet_length(model) <= 6000000),
            replies integer NOT NULL,
            figures jsonb NOT NULL,
            trained_at timestamptz NOT NULL
        )
        """
    )
    secure("outreach", "reply_model", app="SELECT", worker="SELECT, INSERT, UPDATE, DELETE")
    op.execute("ALTER TABLE reply ADD COLUMN asked integer NOT NULL DEFAULT 0, ADD COLUMN ask_after timestamptz")

"""How far each IMAP account has been read, what could not be fetched yet, and which process reads it now."""

from alembic import op

from shared.migrations import secure

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE imap_position (
            tenant_id text NOT NULL,
            account text NOT NULL,
            mailbox text NOT NULL DEFAULT '',
            uidvalidity bigint NOT NULL DEFAULT 0,
            uid bigint NOT NULL DEFAULT 0,
            failing jsonb NOT NULL DEFAULT '{}',
            unmarked jsonb NOT NULL DEFAULT '[]',
            holder uuid,
            lease_until timestamptz,
            PRIMARY KEY (tenant_id, account)
        )
        """
    )
    secure("outreach", "imap_position", app="", worker="SELECT, INSERT, UPDATE")

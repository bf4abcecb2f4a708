"""Raw mails as they arrived, stored before anybody tries to understand them."""

from alembic import op

from shared.migrations import secure

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE inbound_mail (
            tenant_id text NOT NULL,
            mail_id uuid NOT NULL,
            raw bytea NOT NULL,
            received_at timestamptz NOT NULL,
            attempts integer NOT NULL DEFAULT 0,
            PRIMARY KEY (tenant_id, mail_id)
        )
        """
    )
    secure("outreach", "inbound_mail")

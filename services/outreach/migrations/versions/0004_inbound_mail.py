"""Raw mails that were received and not read yet: each is stored before anybody tries to understand it."""

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
            due_at timestamptz NOT NULL,
            attempts integer NOT NULL DEFAULT 0,
            problem text,
            PRIMARY KEY (tenant_id, mail_id)
        )
        """
    )
    op.execute("CREATE INDEX inbound_mail_due ON inbound_mail (due_at)")
    secure("outreach", "inbound_mail")
    op.execute("ALTER TABLE reply DROP CONSTRAINT reply_outcome_check")
    op.execute(
        "ALTER TABLE reply ADD CONSTRAINT reply_outcome_check"
        " CHECK (outcome IN ('matched', 'unmatched', 'bounce', 'complaint'))"
    )

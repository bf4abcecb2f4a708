"""The order in which messages are written and sent: answers first, tenants in turn, each mailbox in its own order.

Besides, what was sent of sequences since the backup from which the database was restored.

The indexes `dispatch_due` and `composition_due` stay for the pods of the release before, which read by them.
"""

from alembic import op

from shared.migrations import secure

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE dispatch ADD COLUMN turn_at timestamptz")
    for table in ("dispatch", "composition"):
        for queue, condition in (("answers", "kind = 'answer'"), ("others", "kind <> 'answer'")):
            op.execute(
                f"CREATE INDEX {table}_due_{queue} ON {table} (tenant_id, due_at) WHERE state = 'queued' AND {condition}"
            )
    op.execute(
        """
        CREATE TABLE sent_step (
            tenant_id text NOT NULL,
            lead_id uuid NOT NULL,
            sequence_id uuid NOT NULL,
            step integer NOT NULL,
            channel text NOT NULL,
            sent_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, lead_id, sequence_id, step, channel)
        )
        """
    )
    secure("outreach", "sent_step")

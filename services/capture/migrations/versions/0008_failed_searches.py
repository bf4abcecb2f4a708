"""The leads whose duplicates could not be searched for, so that none of them holds up the others."""

from alembic import op

from shared.migrations import secure

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE failed_search (
            tenant_id text NOT NULL,
            lead_id uuid NOT NULL,
            attempts integer NOT NULL,
            reason text NOT NULL,
            failed_on timestamptz NOT NULL,
            due_at timestamptz,
            PRIMARY KEY (tenant_id, lead_id)
        )
        """
    )
    op.execute("CREATE INDEX failed_search_due ON failed_search (due_at) WHERE due_at IS NOT NULL")
    secure("capture", "failed_search")

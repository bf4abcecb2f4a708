"""An event is known by its type too (shared/migrations); here the stored activity is the inbox."""

from alembic import op

from shared.migrations import know_events_by_type

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    know_events_by_type()
    op.execute("ALTER TABLE activity DROP CONSTRAINT activity_pkey, ADD PRIMARY KEY (tenant_id, digest, type)")

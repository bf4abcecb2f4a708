"""An event is known by its type too (shared/migrations)."""

from shared.migrations import know_events_by_type

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    know_events_by_type()

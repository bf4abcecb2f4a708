"""Dead letters name the source of their event (shared/migrations)."""

from shared.migrations import name_publishers_of_dead_letters

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    name_publishers_of_dead_letters()

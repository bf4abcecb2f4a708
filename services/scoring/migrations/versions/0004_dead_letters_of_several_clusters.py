"""Dead letters of an earlier Kafka cluster stand in the way of none (shared/migrations)."""

from shared.migrations import dead_letters_of_several_clusters

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    dead_letters_of_several_clusters()

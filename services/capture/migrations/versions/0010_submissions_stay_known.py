"""The inbox keeps what was submitted: an index of the entries that are deleted after their time."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The sweeper would read all that stays, as the oldest entries, in each of its rounds.
    op.execute("CREATE INDEX inbox_swept ON inbox (seen_on) WHERE type <> 'lead.submitted'")

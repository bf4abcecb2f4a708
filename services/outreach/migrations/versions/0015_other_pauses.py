"""The pauses of an enrolment besides the longest: they hold again where that one was a mistake."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE enrolment ADD COLUMN other_pauses jsonb NOT NULL DEFAULT '[]'")

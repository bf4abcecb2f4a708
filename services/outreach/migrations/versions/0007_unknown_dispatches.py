"""Finds dispatches with an unknown outcome, which wait for evidence or an operator, without reading the others."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX dispatch_unknown ON dispatch (created_at) WHERE state = 'unknown'")

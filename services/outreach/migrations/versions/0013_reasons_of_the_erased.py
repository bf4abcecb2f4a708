"""The reason of a suppression may be the lead's own words: an erasure takes it, as it takes the address."""

from alembic import op

from shared.migrations import roles

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _, worker = roles("outreach")
    op.execute(f"GRANT UPDATE (reason) ON suppression TO {worker}")

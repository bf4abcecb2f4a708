"""The row that an import could not take, as it was written, so that the error file can be uploaded again."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE import_error ADD COLUMN record bytea")

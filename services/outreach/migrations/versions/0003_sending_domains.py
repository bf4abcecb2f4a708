"""The domains that a tenant may send from, besides its default one. The API's role may only read them."""

from alembic import op

from shared.migrations import secure

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE sending_domain (
            tenant_id text NOT NULL,
            domain text NOT NULL CHECK (domain = lower(domain)),
            allowed_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, domain)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX sending_domain_owner ON sending_domain (domain)")
    secure("outreach", "sending_domain", app="SELECT", worker="SELECT, INSERT, DELETE")

"""The keys by which likely duplicates find each other, and the leads whose duplicates are to be searched for."""

from alembic import op

from shared.migrations import secure

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE blocking_key (
            tenant_id text NOT NULL,
            key bigint NOT NULL,
            lead_id uuid NOT NULL,
            PRIMARY KEY (tenant_id, key, lead_id)
        )
        """
    )
    op.execute("CREATE INDEX blocking_key_lead ON blocking_key (tenant_id, lead_id)")
    op.execute(
        """
        CREATE TABLE duplicate_search (
            tenant_id text NOT NULL,
            number bigint GENERATED ALWAYS AS IDENTITY,
            lead_id uuid NOT NULL,
            PRIMARY KEY (tenant_id, number)
        ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)
        """
    )
    secure("capture", "blocking_key")
    # The leads that are there already are searched for as well, and their pairs get reasons in plain words. Forced
    # row-level security binds the owner too.
    for table in ("lead", "duplicate"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        """
        INSERT INTO duplicate_search (tenant_id, lead_id)
        SELECT tenant_id, lead_id FROM lead WHERE merged_into IS NULL ORDER BY tenant_id, lead_id
        """
    )
    op.execute(
        """
        UPDATE duplicate
        SET reasons = string_to_array(replace(replace(array_to_string(reasons, ','), 'email', 'e-mail'), '_', ' '), ',')
        """
    )
    for table in ("lead", "duplicate"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    secure("capture", "duplicate_search")

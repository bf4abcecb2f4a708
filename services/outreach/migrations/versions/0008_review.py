"""What reviewers need: reasons and owner of a lead, acknowledged sentences, drafts by score, and how many there are.

`draft_count` is written by triggers: each change of a draft's state adds rows, whose sum is the number of drafts. Nobody
waits for another, as one row for each number would make them; a worker adds the rows up now and then.
"""

from alembic import op

from shared.migrations import secure

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE lead ADD COLUMN owner text, ADD COLUMN score_reasons jsonb")
    op.execute("ALTER TABLE approval ADD COLUMN acknowledged jsonb NOT NULL DEFAULT '[]'")
    op.execute("ALTER TABLE draft ADD COLUMN score integer NOT NULL DEFAULT 0")
    op.execute("CREATE INDEX draft_all ON draft (tenant_id, created_at, draft_id)")
    op.execute("CREATE INDEX draft_kind ON draft (tenant_id, kind, created_at, draft_id) WHERE state = 'pending'")
    op.execute("CREATE INDEX draft_at_risk ON draft (tenant_id, expires_at, draft_id) WHERE state = 'pending'")
    op.execute("CREATE INDEX draft_hottest ON draft (tenant_id, score DESC, draft_id DESC) WHERE state = 'pending'")
    op.execute(
        "CREATE INDEX draft_claimed ON draft (tenant_id, created_at, draft_id)"
        " WHERE state = 'pending' AND claimed_by IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX draft_snoozed ON draft (tenant_id, snoozed_until)"
        " WHERE state = 'pending' AND snoozed_until IS NOT NULL"
    )
    op.execute("CREATE INDEX composition_replaces ON composition (tenant_id, replaces) WHERE replaces IS NOT NULL")
    _count_drafts()
    _fill_in()


def _count_drafts() -> None:
    op.execute(
        """
        CREATE TABLE draft_count (
            tenant_id text NOT NULL,
            id bigint GENERATED ALWAYS AS IDENTITY,
            state text NOT NULL,
            kind text NOT NULL,
            channel text NOT NULL,
            n bigint NOT NULL,
            PRIMARY KEY (tenant_id, id)
        )
        """
    )
    secure("outreach", "draft_count", app="SELECT, INSERT", worker="SELECT, INSERT, DELETE")
    op.execute(
        """
        CREATE FUNCTION count_draft() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP IN ('UPDATE', 'DELETE') THEN
                INSERT INTO draft_count (tenant_id, state, kind, channel, n)
                VALUES (OLD.tenant_id, OLD.state, OLD.kind, OLD.channel, -1);
            END IF;
            IF TG_OP IN ('INSERT', 'UPDATE') THEN
                INSERT INTO draft_count (tenant_id, state, kind, channel, n)
                VALUES (NEW.tenant_id, NEW.state, NEW.kind, NEW.channel, 1);
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER draft_is_counted AFTER INSERT OR DELETE ON draft FOR EACH ROW EXECUTE FUNCTION count_draft()"
    )
    op.execute(
        "CREATE TRIGGER draft_is_recounted AFTER UPDATE OF state ON draft FOR EACH ROW"
        " WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION count_draft()"
    )


def _fill_in() -> None:
    """Count the drafts that are there, and give the pending ones their score; forced row security hides them else."""
    for table in ("draft", "draft_count", "lead"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        """
        INSERT INTO draft_count (tenant_id, state, kind, channel, n)
        SELECT tenant_id, state, kind, channel, count(*) FROM draft GROUP BY tenant_id, state, kind, channel
        """
    )
    op.execute(
        """
        UPDATE draft d SET score = l.score_total FROM lead l
        WHERE l.tenant_id = d.tenant_id AND l.lead_id = d.lead_id AND d.state = 'pending'
          AND l.score_total IS NOT NULL
        """
    )
    for table in ("draft", "draft_count", "lead"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")

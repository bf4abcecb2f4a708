"""Leads, their steps and meetings, counters, goals, periods and reports."""

from alembic import op

from shared.migrations import messaging_tables, secure

revision = "0001"
down_revision = None


def upgrade() -> None:
    messaging_tables("goals")
    op.execute(
        """
        CREATE TABLE lead (
            tenant_id text NOT NULL,
            lead_id uuid NOT NULL,
            source text,
            campaign text,
            captured_on timestamptz,
            version integer NOT NULL,
            first_owner text,
            first_version integer,
            revision integer NOT NULL,
            stage text NOT NULL,
            status text NOT NULL,
            owner text,
            contacted boolean NOT NULL,
            first_qualified_on timestamptz,
            won_on timestamptz,
            meetings_told integer NOT NULL,
            created_told timestamptz,
            created_revision integer NOT NULL,
            changed_on timestamptz,
            entered_on timestamptz,
            counts boolean NOT NULL,
            counted_on timestamptz,
            counted_owner text,
            held_on timestamptz[] NOT NULL,
            due_on timestamptz,
            erased boolean NOT NULL,
            reached smallint NOT NULL,
            PRIMARY KEY (tenant_id, lead_id)
        ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)
        """
    )
    op.execute("CREATE INDEX lead_qualified ON lead (tenant_id, counted_on) WHERE counts AND status = 'qualified'")
    op.execute(
        """
        CREATE INDEX lead_first_qualified ON lead (tenant_id, first_qualified_on)
        WHERE counts AND first_qualified_on IS NOT NULL
        """
    )
    op.execute("CREATE INDEX lead_won ON lead (tenant_id, won_on) WHERE counts AND won_on IS NOT NULL")
    op.execute("CREATE INDEX lead_due ON lead (due_on) WHERE due_on IS NOT NULL")
    op.execute(
        """
        CREATE TABLE step (
            tenant_id text NOT NULL,
            lead_id uuid NOT NULL,
            revision integer NOT NULL,
            event_id text NOT NULL,
            from_said text NOT NULL,
            to_stage text NOT NULL,
            occurred_at timestamptz NOT NULL,
            created_on timestamptz,
            corrects text[] NOT NULL,
            moved_from text,
            seconds double precision,
            PRIMARY KEY (tenant_id, lead_id, revision)
        )
        """
    )
    op.execute("CREATE INDEX step_left ON step (tenant_id, moved_from, occurred_at) WHERE seconds IS NOT NULL")
    op.execute(
        """
        CREATE TABLE meeting_signal (
            tenant_id text NOT NULL,
            digest uuid NOT NULL,
            lead_id uuid NOT NULL,
            occurred_at timestamptz NOT NULL,
            event_id text NOT NULL,
            source text NOT NULL,
            meeting_id text NOT NULL,
            ends_at timestamptz,
            PRIMARY KEY (tenant_id, digest)
        )
        """
    )
    op.execute("CREATE INDEX meeting_signal_lead ON meeting_signal (tenant_id, lead_id)")
    op.execute(
        """
        CREATE TABLE series (
            tenant_id text NOT NULL,
            series_id uuid NOT NULL,
            metric text NOT NULL,
            timezone text NOT NULL,
            filter jsonb NOT NULL,
            counts_from timestamptz,
            counts_until timestamptz,
            asked text NOT NULL,
            PRIMARY KEY (tenant_id, series_id)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX series_asked ON series (tenant_id, metric, timezone, asked)")
    # Counters are updated in place again and again: room on the page keeps the updates out of the indexes.
    op.execute(
        """
        CREATE TABLE series_day (
            tenant_id text NOT NULL,
            series_id uuid NOT NULL,
            day date NOT NULL,
            slot smallint NOT NULL,
            value integer NOT NULL,
            PRIMARY KEY (tenant_id, series_id, day, slot),
            FOREIGN KEY (tenant_id, series_id) REFERENCES series (tenant_id, series_id)
        ) WITH (fillfactor = 60)
        """
    )
    op.execute(
        """
        CREATE TABLE touched (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            tenant_id text NOT NULL,
            series_id uuid NOT NULL
        ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)
        """
    )
    op.execute("CREATE INDEX touched_tenant ON touched (tenant_id, series_id)")
    op.execute(
        """
        CREATE TABLE standing (
            tenant_id text NOT NULL,
            stage text NOT NULL,
            slot smallint NOT NULL,
            value integer NOT NULL,
            PRIMARY KEY (tenant_id, stage, slot)
        ) WITH (fillfactor = 30)
        """
    )
    op.execute(
        """
        CREATE TABLE tally (
            tenant_id text NOT NULL,
            span integer NOT NULL,
            at timestamptz NOT NULL,
            from_stage text NOT NULL,
            to_stage text NOT NULL,
            stay smallint NOT NULL,
            slot smallint NOT NULL,
            value integer NOT NULL,
            PRIMARY KEY (tenant_id, span, at, from_stage, to_stage, stay, slot)
        ) WITH (fillfactor = 60)
        """
    )
    op.execute(
        """
        CREATE TABLE goal (
            tenant_id text NOT NULL,
            goal_id uuid NOT NULL,
            name text NOT NULL,
            metric text NOT NULL,
            target integer NOT NULL CHECK (target > 0),
            period text NOT NULL,
            starts_on text,
            ends_on text,
            timezone text NOT NULL,
            filter jsonb NOT NULL,
            working_days text[],
            active boolean NOT NULL,
            series_id uuid NOT NULL,
            version integer NOT NULL,
            created_on timestamptz NOT NULL,
            created_by text NOT NULL,
            PRIMARY KEY (tenant_id, goal_id),
            FOREIGN KEY (tenant_id, series_id) REFERENCES series (tenant_id, series_id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE period (
            tenant_id text NOT NULL,
            period_id uuid NOT NULL,
            goal_id uuid NOT NULL,
            series_id uuid NOT NULL,
            first_day date NOT NULL,
            last_day date NOT NULL,
            period_start timestamptz NOT NULL,
            period_end timestamptz NOT NULL,
            told_value integer,
            told_on timestamptz,
            achieved_on timestamptz,
            closed_on timestamptz,
            target integer,
            value integer,
            PRIMARY KEY (tenant_id, period_id),
            FOREIGN KEY (tenant_id, goal_id) REFERENCES goal (tenant_id, goal_id),
            FOREIGN KEY (tenant_id, series_id) REFERENCES series (tenant_id, series_id),
            CHECK ((closed_on IS NULL) = (value IS NULL)),
            CHECK (period_start < period_end)
        ) WITH (fillfactor = 80)
        """
    )
    op.execute("CREATE UNIQUE INDEX period_of_goal ON period (tenant_id, goal_id, period_start, period_end)")
    op.execute("CREATE INDEX period_open ON period (period_end) WHERE closed_on IS NULL")
    op.execute(
        """
        CREATE TABLE report_row (
            tenant_id text NOT NULL,
            period_id uuid NOT NULL,
            n integer NOT NULL,
            lead_id uuid NOT NULL,
            counted_on timestamptz NOT NULL,
            created_on timestamptz NOT NULL,
            source text,
            campaign text,
            owner text,
            stage text NOT NULL,
            status text NOT NULL,
            PRIMARY KEY (tenant_id, period_id, n),
            FOREIGN KEY (tenant_id, period_id) REFERENCES period (tenant_id, period_id)
        )
        """
    )
    op.execute("CREATE INDEX report_row_lead ON report_row (tenant_id, lead_id)")
    # A report never changes: the database itself refuses it. The name of an erased person is the one exception.
    op.execute(
        """
        CREATE FUNCTION keep_report() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'a closed report never changes' USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER keep_report BEFORE UPDATE OR DELETE ON period
        FOR EACH ROW WHEN (OLD.closed_on IS NOT NULL) EXECUTE FUNCTION keep_report()
        """
    )
    op.execute(
        """
        CREATE TRIGGER keep_report_row BEFORE UPDATE OF period_id, n, counted_on, created_on, source, campaign, owner,
                                                        stage, status OR DELETE ON report_row
        FOR EACH ROW EXECUTE FUNCTION keep_report()
        """
    )
    for table in ("lead", "step", "meeting_signal", "standing", "tally"):
        secure("goals", table, app="SELECT")
    secure("goals", "series", app="SELECT, INSERT", worker="SELECT")
    secure("goals", "series_day")
    secure("goals", "touched", app="INSERT", worker="SELECT, INSERT, DELETE")
    secure("goals", "goal", app="SELECT, INSERT, UPDATE", worker="SELECT, UPDATE")
    secure("goals", "period")
    secure("goals", "report_row", app="SELECT, INSERT", worker="SELECT, INSERT, UPDATE")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup and rewind instead")

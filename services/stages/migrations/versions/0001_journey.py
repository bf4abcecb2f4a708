"""Leads, their activities, settings by time, alerts."""

from alembic import op

from shared.migrations import messaging_tables, secure

revision = "0001"
down_revision = None


def upgrade() -> None:
    messaging_tables("stages")
    op.execute(
        """
        CREATE TABLE lead (
            tenant_id text NOT NULL,
            lead_id uuid NOT NULL,
            captured boolean NOT NULL,
            stage text NOT NULL,
            status text NOT NULL,
            revision integer NOT NULL,
            journey jsonb NOT NULL,
            next_due timestamptz,
            score_total integer NOT NULL,
            band text NOT NULL,
            score_revision integer NOT NULL,
            scored_at timestamptz,
            hot boolean NOT NULL,
            last_activity_on timestamptz NOT NULL,
            source text,
            campaign text,
            owner text,
            name text,
            company text,
            contact_version integer NOT NULL,
            drafts jsonb NOT NULL,
            merged_into uuid,
            updated_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, lead_id)
        ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)
        """
    )
    op.execute(
        """
        CREATE INDEX lead_queue ON lead
            (tenant_id, stage, band, score_total DESC, last_activity_on DESC, lead_id DESC)
        """
    )
    op.execute(
        """
        CREATE INDEX lead_queue_owner ON lead (tenant_id, owner, score_total DESC, last_activity_on DESC, lead_id DESC)
        WHERE owner IS NOT NULL
        """
    )
    op.execute(
        """
        CREATE INDEX lead_queue_hot ON lead (tenant_id, score_total DESC, last_activity_on DESC, lead_id DESC)
        WHERE hot
        """
    )
    op.execute("CREATE INDEX lead_due ON lead (next_due) WHERE next_due IS NOT NULL")
    op.execute(
        """
        CREATE TABLE activity (
            tenant_id text NOT NULL,
            digest uuid NOT NULL,
            lead_id uuid NOT NULL,
            type text NOT NULL,
            event_id text NOT NULL,
            source text NOT NULL,
            occurred_at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL,
            actor text,
            caused_by text,
            data jsonb NOT NULL,
            folded boolean NOT NULL,
            position smallint NOT NULL,
            revision integer,
            superseded boolean NOT NULL,
            shown boolean NOT NULL,
            PRIMARY KEY (tenant_id, digest)
        )
        """
    )
    op.execute(
        "CREATE INDEX activity_lead ON activity (tenant_id, lead_id, occurred_at DESC, position DESC, digest DESC)"
    )
    op.execute(
        """
        CREATE TABLE setting (
            tenant_id text NOT NULL,
            valid_from timestamptz NOT NULL,
            body jsonb NOT NULL,
            actor text NOT NULL,
            reached uuid,
            applied boolean NOT NULL DEFAULT false,
            PRIMARY KEY (tenant_id, valid_from)
        )
        """
    )
    op.execute("CREATE INDEX setting_to_apply ON setting (valid_from) WHERE NOT applied")
    op.execute(
        """
        CREATE TABLE alert (
            tenant_id text NOT NULL,
            alert_id uuid NOT NULL,
            lead_id uuid NOT NULL,
            total integer NOT NULL,
            threshold integer NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, alert_id)
        )
        """
    )
    op.execute("CREATE INDEX alert_newest ON alert (tenant_id, at DESC, alert_id DESC)")
    for table in ("lead", "activity", "setting", "alert"):
        secure("stages", table)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only; restore a backup and rewind instead")

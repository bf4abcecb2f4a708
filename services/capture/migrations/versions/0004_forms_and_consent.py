"""Web forms, the texts by which consent is asked for, and every change of consent."""

from alembic import op

from shared.migrations import secure

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE form (
            tenant_id text NOT NULL,
            token text NOT NULL,
            name text NOT NULL,
            source text NOT NULL,
            active boolean NOT NULL,
            settings jsonb NOT NULL DEFAULT '{}',
            honeypot text NOT NULL,
            secret bytea NOT NULL,
            consent_text_id uuid,
            created_on timestamptz NOT NULL,
            created_by text NOT NULL,
            changed_on timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, token)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE consent_text (
            tenant_id text NOT NULL,
            text_id uuid NOT NULL,
            form_token text NOT NULL,
            version integer NOT NULL,
            content text NOT NULL,
            created_on timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, text_id)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX consent_text_version ON consent_text (tenant_id, form_token, version)")
    op.execute(
        """
        CREATE TABLE form_use (
            tenant_id text NOT NULL,
            token text NOT NULL,
            visitor bytea NOT NULL,
            until timestamptz NOT NULL,
            uses integer NOT NULL,
            PRIMARY KEY (tenant_id, token, visitor)
        )
        """
    )
    op.execute("CREATE INDEX form_use_until ON form_use (until)")
    op.execute(
        """
        CREATE TABLE consent_change (
            tenant_id text NOT NULL,
            lead_id uuid NOT NULL,
            number bigint GENERATED ALWAYS AS IDENTITY,
            channel text NOT NULL,
            choice text NOT NULL,
            before text NOT NULL,
            at timestamptz NOT NULL,
            source text,
            basis text,
            text_id uuid,
            cause text NOT NULL,
            recorded_on timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, lead_id, number)
        )
        """
    )
    for table in ("form", "consent_text", "form_use", "consent_change"):
        secure("capture", table)

"""Leads as outreach knows them, suppression, drafts with their approvals, dispatches, replies.

The database itself refuses a changed content, an approval of anything but the pending text, a dispatch without that
approval, and a second attempt of a dispatch whose outcome is unknown.
"""

from alembic import op

from services.outreach.migrations.versions.revision_0001.guards import create_guards
from services.outreach.migrations.versions.revision_0001.messages import create_messages
from shared.migrations import messaging_tables, roles, secure

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SERVICE = "outreach"


def upgrade() -> None:
    messaging_tables(SERVICE)
    _leads()
    _suppression()
    create_messages()
    create_guards()
    _rights()


def _leads() -> None:
    op.execute(
        """
        CREATE TABLE lead (
            tenant_id text NOT NULL,
            lead_id uuid NOT NULL,
            version integer NOT NULL DEFAULT 0,
            email text,
            phone text,
            email_hash bytea,
            phone_hash bytea,
            domain_hash bytea,
            fields jsonb NOT NULL DEFAULT '{}',
            fields_at timestamptz,
            consent jsonb NOT NULL DEFAULT '{}',
            facts jsonb NOT NULL DEFAULT '{}',
            facts_at timestamptz,
            stage text NOT NULL DEFAULT 'new',
            stage_revision integer NOT NULL DEFAULT 0,
            stage_rule text,
            stage_since timestamptz,
            met_at timestamptz,
            score_total integer,
            score_band text,
            scored_at timestamptz,
            mode text,
            announced_mode text NOT NULL DEFAULT 'blended',
            opted_out_at timestamptz,
            opted_out_for_good boolean NOT NULL DEFAULT false,
            later_until timestamptz,
            nurture_due timestamptz,
            exhaust_due timestamptz,
            exhausted_at timestamptz,
            PRIMARY KEY (tenant_id, lead_id)
        )
        """
    )
    op.execute("CREATE INDEX lead_email ON lead (tenant_id, email_hash) WHERE email_hash IS NOT NULL")
    op.execute("CREATE INDEX lead_phone ON lead (tenant_id, phone_hash) WHERE phone_hash IS NOT NULL")
    op.execute("CREATE INDEX lead_domain ON lead (tenant_id, domain_hash) WHERE domain_hash IS NOT NULL")
    op.execute("CREATE INDEX lead_nurture ON lead (nurture_due) WHERE nurture_due IS NOT NULL")
    op.execute("CREATE INDEX lead_exhaust ON lead (exhaust_due) WHERE exhaust_due IS NOT NULL")
    op.execute("CREATE INDEX lead_mode ON lead (tenant_id, announced_mode, lead_id) WHERE mode IS NULL AND version > 0")
    op.execute(
        """
        CREATE TABLE settings (
            tenant_id text PRIMARY KEY,
            body jsonb NOT NULL,
            version integer NOT NULL DEFAULT 1,
            mode text NOT NULL,
            mode_announced boolean NOT NULL DEFAULT true,
            updated_at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX settings_to_announce ON settings (tenant_id) WHERE NOT mode_announced")
    op.execute("CREATE TABLE service_key (id boolean PRIMARY KEY DEFAULT true CHECK (id), key text NOT NULL)")
    op.execute(
        "INSERT INTO service_key (key) VALUES (encode(sha256(convert_to("
        "gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 'hex'))"
    )


def _suppression() -> None:
    op.execute(
        """
        CREATE TABLE address (
            tenant_id text NOT NULL,
            channel text NOT NULL CHECK (channel IN ('email', 'sms')),
            address_hash bytea NOT NULL,
            state text NOT NULL DEFAULT 'valid' CHECK (state IN ('valid', 'soft', 'invalid')),
            soft_failures timestamptz[] NOT NULL DEFAULT '{}',
            PRIMARY KEY (tenant_id, channel, address_hash)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE suppression (
            tenant_id text NOT NULL,
            suppression_id uuid NOT NULL,
            channel text NOT NULL CHECK (channel IN ('email', 'sms', 'all')),
            address_hash bytea,
            domain_hash bytea,
            address text,
            domain text,
            how text NOT NULL,
            reason text,
            actor text NOT NULL,
            reply_id uuid,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, suppression_id),
            CHECK ((address_hash IS NULL) <> (domain_hash IS NULL))
        )
        """
    )
    op.execute(
        "CREATE INDEX suppression_address ON suppression (tenant_id, address_hash) WHERE address_hash IS NOT NULL"
    )
    op.execute("CREATE INDEX suppression_domain ON suppression (tenant_id, domain_hash) WHERE domain_hash IS NOT NULL")
    op.execute("CREATE INDEX suppression_reply ON suppression (tenant_id, reply_id) WHERE reply_id IS NOT NULL")
    op.execute(
        """
        CREATE TABLE suppression_retraction (
            tenant_id text NOT NULL,
            suppression_id uuid NOT NULL,
            actor text NOT NULL,
            note text NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, suppression_id),
            FOREIGN KEY (tenant_id, suppression_id) REFERENCES suppression (tenant_id, suppression_id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE domain_job (
            tenant_id text NOT NULL,
            suppression_id uuid NOT NULL,
            after_lead uuid,
            PRIMARY KEY (tenant_id, suppression_id),
            FOREIGN KEY (tenant_id, suppression_id) REFERENCES suppression (tenant_id, suppression_id)
        )
        """
    )


def _rights() -> None:
    """The worker role (consumers, composer, sender) has no right to insert approvals or dispatches: only people do."""
    app, worker = roles(SERVICE)
    for table in (
        "lead",
        "settings",
        "address",
        "composition",
        "reply",
        "strategy",
        "mailbox",
        "llm_use",
        "domain_job",
    ):
        secure(SERVICE, table)
    secure(SERVICE, "suppression", app="SELECT, INSERT", worker="SELECT, INSERT")
    op.execute(f"GRANT UPDATE (address) ON suppression TO {worker}")
    secure(SERVICE, "suppression_retraction", app="SELECT, INSERT", worker="SELECT")
    secure(SERVICE, "draft", app="SELECT, INSERT, UPDATE")
    secure(SERVICE, "content", app="SELECT, INSERT", worker="SELECT, INSERT, DELETE")
    secure(SERVICE, "approval", app="SELECT, INSERT", worker="SELECT, DELETE")
    secure(SERVICE, "dispatch", app="SELECT, INSERT, UPDATE", worker="SELECT, UPDATE, DELETE")
    for role in (app, worker):
        op.execute(f"GRANT SELECT ON service_key TO {role}")

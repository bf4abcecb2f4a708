"""Leads as outreach knows them, suppression, drafts with their approvals, dispatches, replies.

What the database itself refuses, whoever asks: changed content, an approval of anything but the pending text, a
dispatch without that approval, a dispatch that goes back to be sent again once its outcome is not known.
"""

from alembic import op

from services.outreach.migrations.guards import create_guards
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
    _drafts()
    _sending()
    _replies()
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


def _drafts() -> None:
    op.execute(
        """
        CREATE FUNCTION canonical_sha256(canonical text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN encode(sha256(convert_to(canonical, 'UTF8')), 'hex')
        """
    )
    op.execute(
        """
        CREATE TABLE content (
            tenant_id text NOT NULL,
            draft_id uuid NOT NULL,
            canonical text NOT NULL,
            sha256 text NOT NULL GENERATED ALWAYS AS (canonical_sha256(canonical)) STORED,
            channel text NOT NULL GENERATED ALWAYS AS ((canonical::jsonb) ->> 'channel') STORED,
            from_address text NOT NULL GENERATED ALWAYS AS ((canonical::jsonb) ->> 'from') STORED,
            to_address text NOT NULL GENERATED ALWAYS AS ((canonical::jsonb) ->> 'to') STORED,
            subject text GENERATED ALWAYS AS ((canonical::jsonb) ->> 'subject') STORED,
            body text NOT NULL GENERATED ALWAYS AS ((canonical::jsonb) ->> 'body') STORED,
            headers jsonb NOT NULL GENERATED ALWAYS AS ((canonical::jsonb) -> 'headers') STORED,
            author text NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, draft_id, sha256),
            CHECK (canonical::jsonb - '{channel,from,to,subject,body,headers}'::text[] = '{}'::jsonb)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE draft (
            tenant_id text NOT NULL,
            draft_id uuid NOT NULL,
            lead_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('first', 'follow_up', 'answer', 'nurture', 'sequence')),
            channel text NOT NULL CHECK (channel IN ('email', 'sms')),
            state text NOT NULL DEFAULT 'pending'
                CHECK (state IN ('pending', 'approved', 'rejected', 'superseded', 'expired')),
            sha256 text NOT NULL,
            version integer NOT NULL DEFAULT 1,
            cause text NOT NULL,
            cause_id text NOT NULL,
            cause_at timestamptz NOT NULL,
            claims jsonb NOT NULL DEFAULT '[]',
            made_from jsonb NOT NULL DEFAULT '{}',
            author text NOT NULL,
            score_total integer NOT NULL DEFAULT 0,
            replaces uuid,
            claimed_by text,
            lease_until timestamptz,
            snoozed_until timestamptz,
            reason text,
            decided_by text,
            decided_at timestamptz,
            expires_at timestamptz NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, draft_id),
            FOREIGN KEY (tenant_id, draft_id, sha256) REFERENCES content (tenant_id, draft_id, sha256)
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX draft_one_pending ON draft (tenant_id, lead_id, kind, channel) WHERE state = 'pending'"
    )
    op.execute("CREATE INDEX draft_lead ON draft (tenant_id, lead_id, created_at)")
    op.execute("CREATE INDEX draft_oldest ON draft (tenant_id, state, created_at, draft_id)")
    op.execute("CREATE INDEX draft_expires ON draft (expires_at) WHERE state = 'pending'")
    op.execute(
        """
        CREATE TABLE composition (
            tenant_id text NOT NULL,
            draft_id uuid NOT NULL,
            lead_id uuid NOT NULL,
            kind text NOT NULL,
            channel text,
            cause text NOT NULL,
            cause_id text NOT NULL,
            cause_at timestamptz NOT NULL,
            asked_by text NOT NULL,
            instruction text,
            replaces uuid,
            state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'done', 'dropped')),
            reason text,
            attempts integer NOT NULL DEFAULT 0,
            due_at timestamptz NOT NULL,
            lease_until timestamptz,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, draft_id),
            UNIQUE (tenant_id, lead_id, kind, cause_id)
        )
        """
    )
    op.execute("CREATE INDEX composition_due ON composition (due_at) WHERE state = 'queued'")
    op.execute(
        """
        CREATE TABLE approval (
            tenant_id text NOT NULL,
            draft_id uuid NOT NULL,
            sha256 text NOT NULL,
            actor text NOT NULL CHECK (actor LIKE 'human:_%'),
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, draft_id),
            UNIQUE (tenant_id, draft_id, sha256),
            FOREIGN KEY (tenant_id, draft_id, sha256) REFERENCES content (tenant_id, draft_id, sha256)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE strategy (
            tenant_id text NOT NULL,
            strategy_id uuid NOT NULL,
            version integer NOT NULL,
            kind text NOT NULL,
            stage text NOT NULL,
            active boolean NOT NULL DEFAULT true,
            body jsonb NOT NULL,
            author text NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, strategy_id, version)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX strategy_active ON strategy (tenant_id, kind, stage) WHERE active")
    op.execute(
        """
        CREATE TABLE llm_use (
            tenant_id text NOT NULL,
            day date NOT NULL,
            tokens bigint NOT NULL DEFAULT 0,
            requests integer NOT NULL DEFAULT 0,
            PRIMARY KEY (tenant_id, day)
        )
        """
    )


def _sending() -> None:
    op.execute(
        """
        CREATE TABLE dispatch (
            tenant_id text NOT NULL,
            dispatch_id uuid NOT NULL,
            draft_id uuid NOT NULL,
            sha256 text NOT NULL,
            lead_id uuid NOT NULL,
            kind text NOT NULL,
            channel text NOT NULL CHECK (channel IN ('email', 'sms')),
            address_hash bytea NOT NULL,
            mailbox text NOT NULL,
            cause_at timestamptz NOT NULL,
            state text NOT NULL DEFAULT 'queued'
                CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'unknown', 'refused')),
            reason text,
            message_id text,
            provider_id text,
            attempts integer NOT NULL DEFAULT 0,
            due_at timestamptz NOT NULL,
            first_tried_at timestamptz,
            sending_at timestamptz,
            sent_at timestamptz,
            lease_until timestamptz,
            resolved_by text,
            note text,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, dispatch_id),
            UNIQUE (tenant_id, draft_id),
            UNIQUE (tenant_id, message_id),
            FOREIGN KEY (tenant_id, draft_id, sha256) REFERENCES approval (tenant_id, draft_id, sha256)
        )
        """
    )
    op.execute("CREATE INDEX dispatch_due ON dispatch (due_at) WHERE state = 'queued'")
    op.execute("CREATE INDEX dispatch_leased ON dispatch (lease_until) WHERE state = 'sending'")
    op.execute("CREATE INDEX dispatch_lead ON dispatch (tenant_id, lead_id, created_at)")
    op.execute("CREATE INDEX dispatch_newest ON dispatch (tenant_id, created_at DESC, dispatch_id DESC)")
    op.execute("CREATE INDEX dispatch_provider ON dispatch (tenant_id, provider_id) WHERE provider_id IS NOT NULL")
    op.execute(
        "CREATE INDEX dispatch_address ON dispatch (tenant_id, address_hash, sending_at) WHERE sending_at IS NOT NULL"
    )
    op.execute(
        """
        CREATE TABLE mailbox (
            tenant_id text NOT NULL,
            address text NOT NULL,
            day date NOT NULL,
            sent integer NOT NULL DEFAULT 0,
            last_at timestamptz,
            PRIMARY KEY (tenant_id, address)
        )
        """
    )


def _replies() -> None:
    op.execute(
        """
        CREATE TABLE reply (
            tenant_id text NOT NULL,
            reply_id uuid NOT NULL,
            key bytea NOT NULL,
            lead_id uuid,
            dispatch_id uuid,
            channel text NOT NULL,
            outcome text NOT NULL CHECK (outcome IN ('matched', 'unmatched', 'bounce')),
            sender text,
            message_id text,
            subject text,
            newest text NOT NULL DEFAULT '',
            raw bytea,
            received_at timestamptz NOT NULL,
            label text NOT NULL,
            confidence real NOT NULL,
            method text NOT NULL,
            because text,
            needs_human boolean NOT NULL DEFAULT false,
            wrong_address boolean NOT NULL DEFAULT false,
            stop_word boolean NOT NULL DEFAULT false,
            labelled_at timestamptz NOT NULL,
            event_id text,
            history jsonb NOT NULL DEFAULT '[]',
            PRIMARY KEY (tenant_id, reply_id),
            UNIQUE (tenant_id, key)
        )
        """
    )
    op.execute("CREATE INDEX reply_lead ON reply (tenant_id, lead_id, received_at) WHERE lead_id IS NOT NULL")
    op.execute("CREATE INDEX reply_newest ON reply (tenant_id, received_at DESC, reply_id DESC)")
    op.execute("CREATE INDEX reply_for_humans ON reply (tenant_id, received_at DESC, reply_id DESC) WHERE needs_human")


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

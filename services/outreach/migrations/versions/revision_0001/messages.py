"""The tables of drafts, dispatches and replies of migration 0001."""

from alembic import op


def create_messages() -> None:
    """Drafts with texts and approvals, dispatches, replies."""
    _drafts()
    _sending()
    _replies()


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
            crossed boolean NOT NULL DEFAULT false,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, dispatch_id),
            UNIQUE (tenant_id, draft_id),
            UNIQUE (tenant_id, message_id),
            FOREIGN KEY (tenant_id, draft_id, sha256) REFERENCES approval (tenant_id, draft_id, sha256)
        )
        """
    )
    op.execute("CREATE INDEX dispatch_due ON dispatch (due_at) WHERE state = 'queued'")
    op.execute("CREATE INDEX dispatch_turns ON dispatch (tenant_id, mailbox, due_at) WHERE state = 'queued'")
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
            closed_hash bytea,
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

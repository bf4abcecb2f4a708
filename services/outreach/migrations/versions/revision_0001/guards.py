"""The triggers of migration 0001. Unlike grants they also bind the owner of the tables."""

from alembic import op


def create_guards() -> None:
    """Triggers that refuse forbidden changes of contents, approvals, drafts, dispatches and suppressions."""
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is never changed', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """
    )
    for table in ("content", "approval"):
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        """
        CREATE TRIGGER suppression_stays BEFORE UPDATE ON suppression FOR EACH ROW
        WHEN (OLD IS DISTINCT FROM NEW AND NOT (NEW.address IS NULL AND OLD.channel = NEW.channel
              AND OLD.address_hash IS NOT DISTINCT FROM NEW.address_hash
              AND OLD.domain_hash IS NOT DISTINCT FROM NEW.domain_hash AND OLD.how = NEW.how))
        EXECUTE FUNCTION refuse_change()
        """
    )
    op.execute(
        """
        CREATE FUNCTION only_with_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (
                SELECT FROM draft d JOIN erased e ON e.tenant_id = d.tenant_id AND e.lead_id = d.lead_id
                WHERE d.tenant_id = OLD.tenant_id AND d.draft_id = OLD.draft_id
            ) THEN
                RAISE EXCEPTION '% goes only with the erasure of its lead', TG_TABLE_NAME
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN OLD;
        END $$
        """
    )
    for table in ("approval", "dispatch"):
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION only_with_erasure()"
        )
    op.execute(
        """
        CREATE FUNCTION only_after_its_draft() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM draft d WHERE d.tenant_id = OLD.tenant_id AND d.draft_id = OLD.draft_id) THEN
                RAISE EXCEPTION 'a text goes only with its draft' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN OLD;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER content_kept BEFORE DELETE ON content FOR EACH ROW EXECUTE FUNCTION only_after_its_draft()"
    )
    op.execute(
        """
        CREATE FUNCTION approve_what_is_pending() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE found draft;
        BEGIN
            SELECT * INTO found FROM draft d
            WHERE d.tenant_id = NEW.tenant_id AND d.draft_id = NEW.draft_id FOR UPDATE;
            IF found.draft_id IS NULL OR found.state <> 'pending' OR found.sha256 <> NEW.sha256 THEN
                RAISE EXCEPTION 'only the present text of a pending draft can be approved'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER approval_fits BEFORE INSERT ON approval FOR EACH ROW EXECUTE FUNCTION approve_what_is_pending()"
    )
    op.execute(
        """
        CREATE FUNCTION guard_draft() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.sha256 <> OLD.sha256 AND OLD.state <> 'pending' THEN
                RAISE EXCEPTION 'the text of a decided draft is never changed'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF NEW.state <> OLD.state AND OLD.state <> 'pending' THEN
                RAISE EXCEPTION 'a decided draft stays decided' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF NEW.state = 'approved' AND OLD.state = 'pending' AND NOT EXISTS (
                SELECT FROM approval a WHERE a.tenant_id = NEW.tenant_id AND a.draft_id = NEW.draft_id
                    AND a.sha256 = NEW.sha256
            ) THEN
                RAISE EXCEPTION 'a draft is approved by an approval' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute("CREATE TRIGGER draft_guard BEFORE UPDATE ON draft FOR EACH ROW EXECUTE FUNCTION guard_draft()")
    op.execute(
        """
        CREATE FUNCTION guard_dispatch() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF NEW.state <> 'queued' OR NEW.attempts <> 0 OR NEW.message_id IS NOT NULL THEN
                    RAISE EXCEPTION 'a dispatch begins queued' USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NEW;
            END IF;
            IF (NEW.draft_id, NEW.sha256, NEW.lead_id, NEW.kind, NEW.channel, NEW.address_hash, NEW.mailbox)
               IS DISTINCT FROM
               (OLD.draft_id, OLD.sha256, OLD.lead_id, OLD.kind, OLD.channel, OLD.address_hash, OLD.mailbox) THEN
                RAISE EXCEPTION 'what a dispatch sends is never changed'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
                ('queued', 'sending'), ('queued', 'refused'), ('queued', 'failed'),
                ('sending', 'sent'), ('sending', 'failed'), ('sending', 'unknown'), ('sending', 'queued'),
                ('unknown', 'sent'), ('unknown', 'failed')
            ) THEN
                RAISE EXCEPTION 'a dispatch does not go from % to %', OLD.state, NEW.state
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF NEW.state = 'sending' AND (NEW.message_id IS NULL OR NEW.lease_until IS NULL) THEN
                RAISE EXCEPTION 'a dispatch is stored with its Message-ID and a lease before it is sent'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER dispatch_guard BEFORE INSERT OR UPDATE ON dispatch"
        " FOR EACH ROW EXECUTE FUNCTION guard_dispatch()"
    )

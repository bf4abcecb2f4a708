"""An enrolment whose end was a mistake comes back: what ended it, how often it came back, and its refused message."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE enrolment ADD COLUMN ended_by text[], ADD COLUMN restored integer NOT NULL DEFAULT 0")
    op.execute(
        """
        CREATE OR REPLACE FUNCTION guard_dispatch() RETURNS trigger LANGUAGE plpgsql AS $$
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
                ('unknown', 'sent'), ('unknown', 'failed'), ('refused', 'queued')
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
    # A message that was refused is queued again for one reason only: it is the step under way of an enrolment that came
    # back. It was never sent, and the sender judges it afresh.
    op.execute(
        """
        CREATE FUNCTION dispatch_comes_back() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (
                SELECT FROM enrolment n
                WHERE n.tenant_id = NEW.tenant_id AND n.enrolment_id = NEW.enrolment_id AND n.draft_id = NEW.draft_id
                  AND n.restored > 0 AND n.state IN ('active', 'paused')
            ) THEN
                RAISE EXCEPTION 'a refused message is queued again only where its enrolment came back'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER dispatch_comes_back BEFORE UPDATE OF state ON dispatch FOR EACH ROW
        WHEN (OLD.state = 'refused' AND NEW.state = 'queued') EXECUTE FUNCTION dispatch_comes_back()
        """
    )

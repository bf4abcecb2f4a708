"""A message that was refused in the backup of a restored database, and was queued again and sent since, is recorded as sent."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
                ('unknown', 'sent'), ('unknown', 'failed'), ('refused', 'queued'), ('refused', 'sent')
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

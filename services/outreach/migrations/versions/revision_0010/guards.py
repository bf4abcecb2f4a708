"""The triggers of migration 0010: what they refuse, and how an enrolment learns that its step went on."""

from alembic import op

from shared.migrations import roles


def create_guards() -> None:
    """Triggers on dispatches of steps, on drafts, versions, templates and their approvals; and the waking ones."""
    for table in ("sequence_version", "sequence_template", "template_approval"):
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    for table in ("sequence_version", "sequence_template"):
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    _template_approvals()
    _dispatches()
    _drafts()
    _waking()


def _template_approvals() -> None:
    op.execute(
        """
        CREATE FUNCTION only_with_erasure_of_enrolment() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (
                SELECT FROM enrolment n JOIN erased e ON e.tenant_id = n.tenant_id AND e.lead_id = n.lead_id
                WHERE n.tenant_id = OLD.tenant_id AND n.enrolment_id = OLD.enrolment_id
            ) THEN
                RAISE EXCEPTION 'the approval of a template stays' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN OLD;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER template_approval_kept BEFORE DELETE ON template_approval"
        " FOR EACH ROW EXECUTE FUNCTION only_with_erasure_of_enrolment()"
    )


def _dispatches() -> None:
    _, worker = roles("outreach")
    op.execute(
        f"""
        CREATE FUNCTION dispatch_of_step() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE found enrolment_step;
        BEGIN
            IF NEW.template_sha256 IS NULL AND current_user = '{worker}' THEN
                RAISE EXCEPTION 'permission denied: only people approve drafts' USING ERRCODE = 'insufficient_privilege';
            END IF;
            IF NEW.kind <> 'sequence' THEN
                RETURN NEW;
            END IF;
            WITH RECURSIVE texts AS (
                SELECT d.draft_id, d.replaces, 0 AS depth FROM draft d
                WHERE d.tenant_id = NEW.tenant_id AND d.draft_id = NEW.draft_id
                UNION ALL
                SELECT d.draft_id, d.replaces, t.depth + 1 FROM draft d JOIN texts t ON d.draft_id = t.replaces
                WHERE d.tenant_id = NEW.tenant_id AND t.depth < 1000
            )
            SELECT s.* INTO found FROM texts t
            JOIN enrolment_step s ON s.tenant_id = NEW.tenant_id AND s.draft_id = t.draft_id ORDER BY t.depth LIMIT 1;
            IF found.enrolment_id IS NULL OR (NEW.template_sha256 IS NOT NULL AND
                (NEW.template_sha256, NEW.template_scope) IS DISTINCT FROM (found.template_sha256, found.template_scope))
            THEN
                RAISE EXCEPTION 'a message of a sequence is sent for a step of an enrolment only'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            NEW.enrolment_id := found.enrolment_id;
            NEW.sequence_id := found.sequence_id;
            NEW.step := found.step;
            NEW.send_window := found.send_window;
            NEW.uses_up := found.uses_up;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER dispatch_begins_a_step BEFORE INSERT ON dispatch"
        " FOR EACH ROW EXECUTE FUNCTION dispatch_of_step()"
    )
    op.execute(
        """
        CREATE FUNCTION dispatch_keeps_its_step() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'what a dispatch sends is never changed' USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER dispatch_keeps_its_step BEFORE UPDATE ON dispatch FOR EACH ROW
        WHEN ((OLD.enrolment_id, OLD.sequence_id, OLD.step, OLD.template_scope, OLD.template_sha256,
               OLD.template_values) IS DISTINCT FROM
              (NEW.enrolment_id, NEW.sequence_id, NEW.step, NEW.template_scope, NEW.template_sha256,
               NEW.template_values))
        EXECUTE FUNCTION dispatch_keeps_its_step()
        """
    )


def _drafts() -> None:
    op.execute(
        """
        CREATE FUNCTION draft_begins() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.state <> 'pending' AND NOT (NEW.state = 'approved' AND NEW.kind = 'sequence' AND EXISTS (
                SELECT FROM enrolment_step s
                JOIN template_approval a ON a.tenant_id = s.tenant_id AND a.scope_id = s.template_scope
                    AND a.sha256 = s.template_sha256
                WHERE s.tenant_id = NEW.tenant_id AND s.draft_id = NEW.draft_id
            )) THEN
                RAISE EXCEPTION 'a draft begins pending, unless it follows an approved template'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute("CREATE TRIGGER draft_begins BEFORE INSERT ON draft FOR EACH ROW EXECUTE FUNCTION draft_begins()")


def _waking() -> None:
    """An enrolment is due at once when the draft or the dispatch of its step has another state.

    A step whose message leaves after its enrolment has ended (crossed) is stored as sent all the same.
    """
    op.execute(
        """
        CREATE FUNCTION wake_enrolment() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE enrolment SET due_at = '2000-01-01T00:00:00Z'
            WHERE tenant_id = NEW.tenant_id AND draft_id = NEW.draft_id AND state = 'active';
            IF TG_TABLE_NAME = 'dispatch' AND NEW.state = 'sent' THEN
                UPDATE enrolment_step SET state = 'sent', reason = NULL, ended_at = (to_jsonb(NEW) ->> 'sent_at')::timestamptz
                WHERE tenant_id = NEW.tenant_id AND draft_id = NEW.draft_id;
            END IF;
            RETURN NULL;
        END $$
        """
    )
    for table in ("composition", "draft", "dispatch"):
        op.execute(
            f"""
            CREATE TRIGGER {table}_wakes_its_enrolment AFTER UPDATE OF state ON {table} FOR EACH ROW
            WHEN (NEW.kind = 'sequence' AND OLD.state <> NEW.state) EXECUTE FUNCTION wake_enrolment()
            """
        )

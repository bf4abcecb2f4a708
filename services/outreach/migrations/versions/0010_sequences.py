"""Sequences, the enrolments of leads in them, and the dispatches of their steps.

A dispatch follows from an approval of its draft, or from the approval of its template: the foreign keys refuse any
other. One dispatch exists for each (address, sequence, step, channel), ever.
"""

from alembic import op

from services.outreach.migrations.versions.revision_0010.guards import create_guards
from services.outreach.migrations.versions.revision_0010.sequences import create_sequences
from shared.migrations import roles, secure

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_sequences()
    _dispatches()
    create_guards()
    _rights()


def _dispatches() -> None:
    """What a dispatch of a step has besides. `approved_sha256` is the text that a person approved, if one did."""
    op.execute(
        """
        ALTER TABLE dispatch
            ADD COLUMN enrolment_id uuid,
            ADD COLUMN sequence_id uuid,
            ADD COLUMN step integer,
            ADD COLUMN template_scope uuid,
            ADD COLUMN template_sha256 text,
            ADD COLUMN template_values jsonb,
            ADD COLUMN send_window jsonb,
            ADD COLUMN uses_up boolean NOT NULL DEFAULT true,
            ADD COLUMN approved_sha256 text
                GENERATED ALWAYS AS (CASE WHEN template_sha256 IS NULL THEN sha256 END) STORED,
            ADD CONSTRAINT dispatch_follows_a_template CHECK (
                (template_sha256 IS NULL AND template_scope IS NULL)
                OR (template_sha256 IS NOT NULL AND template_values IS NOT NULL AND sequence_id IS NOT NULL
                    AND template_scope IN (sequence_id, enrolment_id))
            ),
            ADD CONSTRAINT dispatch_is_of_a_step CHECK ((kind = 'sequence') = (step IS NOT NULL)),
            ADD FOREIGN KEY (tenant_id, draft_id, sha256) REFERENCES content (tenant_id, draft_id, sha256),
            ADD FOREIGN KEY (tenant_id, draft_id, approved_sha256) REFERENCES approval (tenant_id, draft_id, sha256),
            ADD FOREIGN KEY (tenant_id, template_scope, template_sha256)
                REFERENCES template_approval (tenant_id, scope_id, sha256),
            DROP CONSTRAINT dispatch_tenant_id_draft_id_sha256_fkey
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX dispatch_one_of_a_step ON dispatch (tenant_id, address_hash, sequence_id, step, channel)"
        " WHERE sequence_id IS NOT NULL"
    )
    op.execute("CREATE INDEX dispatch_enrolment ON dispatch (tenant_id, enrolment_id) WHERE enrolment_id IS NOT NULL")
    op.execute("ALTER TABLE composition ADD COLUMN from_step text")


def _rights() -> None:
    """The worker role may not approve a template; a dispatch it may add only for a step with an approved template."""
    _, worker = roles("outreach")
    for table in ("sequence", "enrolment", "enrolment_step", "enrolment_job", "enrolment_job_item"):
        secure("outreach", table)
    for table in ("sequence_version", "sequence_template", "enrolment_change"):
        secure("outreach", table, app="SELECT, INSERT", worker="SELECT, INSERT, DELETE")
    secure("outreach", "template_approval", app="SELECT, INSERT", worker="SELECT, DELETE")
    op.execute(f"GRANT INSERT ON dispatch TO {worker}")

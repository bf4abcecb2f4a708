"""The tenants in turn with whatever falls due: steps of sequences, mails to be read, check-ins, used-up channels.

The indexes over all tenants (`enrolment_due`, `inbound_mail_due`, `lead_nurture`, `lead_exhaust`, `draft_expires`) stay
for the pods of the release before, which read by them.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX enrolment_due_in_turn ON enrolment (tenant_id, due_at) WHERE due_at IS NOT NULL")
    op.execute("CREATE INDEX inbound_mail_due_in_turn ON inbound_mail (tenant_id, due_at)")
    for name in ("nurture", "exhaust"):
        op.execute(f"CREATE INDEX lead_{name}_in_turn ON lead (tenant_id, {name}_due) WHERE {name}_due IS NOT NULL")

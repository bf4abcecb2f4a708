"""Forgetting a person: every place in this database that could name them."""

from collections.abc import Sequence

from services.capture.rules.lead import Lead
from shared.db import UnitOfWork

# The bytes of a dead letter need not be text, and an address in it need not be in normal form: letters are compared
# in lower case, phones by their last nine digits.
_DEAD_LETTERS = """
    DELETE FROM dead_letter d
    WHERE d.tenant_id = :tenant AND d.value IS NOT NULL AND (
        EXISTS (SELECT FROM unnest(CAST(:emails AS text[])) AS e (email)
                WHERE position(e.email IN lower(encode(d.value, 'escape'))) > 0)
        OR EXISTS (SELECT FROM unnest(CAST(:digits AS text[])) AS p (digits)
                   WHERE position(p.digits IN regexp_replace(encode(d.value, 'escape'), '[^0-9]', '', 'g')) > 0))
"""
_IMPORT_ERRORS = """
    DELETE FROM import_error e
    WHERE e.tenant_id = :tenant AND (
        e.lead_id = ANY (CAST(:leads AS uuid[])) OR lower(e.value) = ANY (CAST(:emails AS text[])))
"""
_ANSWERS = """
    DELETE FROM idempotency i
    WHERE i.tenant_id = :tenant AND EXISTS (
        SELECT FROM unnest(CAST(:ids AS text[])) AS l (id) WHERE position(convert_to(l.id, 'UTF8') IN i.body) > 0)
"""


async def forget(work: UnitOfWork, tenant: str, leads: Sequence[Lead]) -> None:
    """Delete the leads with all that says who they were: merges, pairs, import errors, answers, dead letters."""
    ids = [lead.lead_id for lead in leads]
    emails = [lead.email for lead in leads if lead.email is not None]
    digits = [lead.phone[-9:] for lead in leads if lead.phone is not None]
    await work.run(_DEAD_LETTERS, tenant=tenant, emails=emails, digits=digits)
    await work.run(_IMPORT_ERRORS, tenant=tenant, leads=ids, emails=emails)
    await work.run(_ANSWERS, tenant=tenant, ids=[str(id) for id in ids])
    for table, columns in (
        ("duplicate", ("lead_a", "lead_b")),
        ("merge", ("lead_id", "alias_id")),
        ("lead_identity", ("lead_id",)),
        ("lead", ("lead_id",)),
    ):
        named = " OR ".join(f"{column} = ANY (CAST(:leads AS uuid[]))" for column in columns)
        await work.run(f"DELETE FROM {table} WHERE tenant_id = :tenant AND ({named})", tenant=tenant, leads=ids)

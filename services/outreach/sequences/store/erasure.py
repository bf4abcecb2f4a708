"""Statements that delete what is known of a person from enrolments. Ids and counts stay."""

from uuid import UUID

from shared.db import UnitOfWork


async def forget(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Delete what people wrote about the lead's enrolments, and the sentences on their steps."""
    # Changes and steps are found by their enrolment: they have no index by lead.
    theirs = """
        tenant_id = :tenant AND enrolment_id IN (
            SELECT enrolment_id FROM enrolment WHERE tenant_id = :tenant AND lead_id = :lead)
    """
    for statement in (
        f"DELETE FROM enrolment_change WHERE {theirs}",
        f"UPDATE enrolment_step SET reason = NULL WHERE {theirs}",
        "UPDATE enrolment SET detail = NULL, other_pauses = '[]' WHERE tenant_id = :tenant AND lead_id = :lead",
    ):
        await work.run(statement, tenant=tenant, lead=lead_id)

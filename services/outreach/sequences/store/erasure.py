"""Statements that delete what is known of a person from enrolments. Ids and counts stay."""

from uuid import UUID

from shared.db import UnitOfWork


async def forget(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Delete what people wrote about the lead's enrolments, and the sentences on their steps."""
    await work.run(
        "DELETE FROM enrolment_change WHERE tenant_id = :tenant AND lead_id = :lead", tenant=tenant, lead=lead_id
    )
    await work.run(
        "UPDATE enrolment SET detail = NULL, other_pauses = '[]' WHERE tenant_id = :tenant AND lead_id = :lead",
        tenant=tenant,
        lead=lead_id,
    )
    await work.run(
        "UPDATE enrolment_step SET reason = NULL WHERE tenant_id = :tenant AND lead_id = :lead",
        tenant=tenant,
        lead=lead_id,
    )

"""Queries on domain jobs: blocklisted mail domains whose leads are being opted out, page by page."""

from typing import NamedTuple
from uuid import UUID

from shared.db import UnitOfWork


class DomainJob(NamedTuple):
    """A locked job: the domain, and the last lead of the page before."""

    domain_hash: bytes
    after_lead: UUID | None


async def add_domain_job(work: UnitOfWork, tenant: str, suppression_id: UUID) -> None:
    """Have the leads of a blocklisted domain opted out."""
    await work.run(
        "INSERT INTO domain_job (tenant_id, suppression_id) VALUES (:tenant, :id)", tenant=tenant, id=suppression_id
    )


async def next_domain_job(work: UnitOfWork) -> tuple[str, UUID] | None:
    """(tenant, suppression id) of one of the jobs, at random; None when there is none."""
    row = await work.fetch_one("SELECT tenant_id, suppression_id FROM domain_job ORDER BY random() LIMIT 1")
    return (row["tenant_id"], row["suppression_id"]) if row else None


async def lock_domain_job(work: UnitOfWork, tenant: str, suppression_id: UUID) -> DomainJob | None:
    """The job, locked; None when another worker has it or it is done."""
    row = await work.fetch_one(
        """
        SELECT j.after_lead, s.domain_hash FROM domain_job j
        JOIN suppression s ON s.tenant_id = j.tenant_id AND s.suppression_id = j.suppression_id
        WHERE j.tenant_id = :tenant AND j.suppression_id = :id FOR UPDATE OF j SKIP LOCKED
        """,
        tenant=tenant,
        id=suppression_id,
    )
    return DomainJob(bytes(row["domain_hash"]), row["after_lead"]) if row else None


async def advance_domain_job(work: UnitOfWork, tenant: str, suppression_id: UUID, after_lead: UUID) -> None:
    """The next page begins after this lead."""
    await work.run(
        "UPDATE domain_job SET after_lead = :after WHERE tenant_id = :tenant AND suppression_id = :id",
        after=after_lead,
        tenant=tenant,
        id=suppression_id,
    )


async def finish_domain_job(work: UnitOfWork, tenant: str, suppression_id: UUID) -> None:
    """Every lead of the domain has been opted out."""
    await work.run(
        "DELETE FROM domain_job WHERE tenant_id = :tenant AND suppression_id = :id", tenant=tenant, id=suppression_id
    )

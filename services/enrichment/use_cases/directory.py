"""The company directory of a tenant: an upload replaces the whole of it."""

from collections.abc import Sequence

from services.enrichment.rules.company_names import name_key
from services.enrichment.schemas.directory import Company
from services.enrichment.store import directory
from shared.db import UnitOfWork


async def replace_directory(work: UnitOfWork, tenant: str, companies: Sequence[Company]) -> dict[str, int]:
    """Replace the directory; how many companies it has, and how many rows repeated the domain of a later one."""
    by_domain = {company.domain: company for company in companies if company.domain}
    kept = [company for company in companies if not company.domain or by_domain[company.domain] is company]
    await directory.replace(
        work,
        tenant,
        [
            (
                company.domain,
                name_key(company.company_name) or None,
                company.model_dump(exclude={"domain"}, exclude_none=True),
            )
            for company in kept
        ],
    )
    return {"companies": len(kept), "repeated": len(companies) - len(kept)}

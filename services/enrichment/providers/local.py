"""The local provider: facts that follow from the lead's own contact fields, without a network."""

from collections.abc import Sequence

from services.enrichment.providers.provider import Provider, TenantSetup
from services.enrichment.rules import Findings, Subject, local_findings


class Local:
    """Facts from the mail domain, the phone number, the job title and the country."""

    name = "local"
    timeout = 1.0

    @classmethod
    def of(cls, setup: TenantSetup) -> Sequence[Provider]:
        """One for every tenant."""
        return [cls()]

    async def lookup(self, subject: Subject) -> Findings:
        return local_findings(subject)

"""The first link of every chain: facts that need no network."""

from services.enrichment.rules import Findings, Subject, local_findings


class Local:
    """Mail domain, numbering plan, job title, country: what the lead's own words say."""

    name = "local"
    kind = "local"
    timeout = 1.0

    async def lookup(self, subject: Subject) -> Findings:
        return local_findings(subject)

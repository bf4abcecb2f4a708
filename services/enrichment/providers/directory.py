"""The directory provider: the tenant's own table of companies, looked up by domain."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.enrichment.providers.provider import Provider, TenantSetup
from services.enrichment.rules import Finding, Findings, Subject


class Directory:
    """Facts about the companies that a batch asks for, read beforehand with one query."""

    name = "directory"
    timeout = 1.0
    uses_network = False

    def __init__(self, companies: Mapping[str, Mapping[str, Any]]) -> None:
        self._companies = companies

    @classmethod
    def of(cls, setup: TenantSetup) -> Sequence[Provider]:
        """One for a tenant whose directory has a company of the batch."""
        return [cls(setup.directory)] if setup.directory else []

    async def lookup(self, subject: Subject) -> Findings:
        facts = self._companies.get(subject.company_domain or "", {})
        return {name: Finding(value, "directory") for name, value in facts.items() if value is not None}

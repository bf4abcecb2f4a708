"""The directory provider: the tenant's own table of companies, looked up by domain, then by name."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.enrichment.providers.provider import Provider, TenantSetup
from services.enrichment.rules import Finding, Findings, Subject
from services.enrichment.rules.company_names import name_key


class Directory:
    """Facts about the companies that a batch asks for, read beforehand with one query."""

    timeout = 1.0

    def __init__(
        self,
        companies: Mapping[str, Mapping[str, Any]],
        by_name: Mapping[str, Mapping[str, Any]] | None = None,
        name: str = "directory",
    ) -> None:
        self.name = name
        self._companies = companies
        self._by_name = by_name or {}

    @classmethod
    def of(cls, setup: TenantSetup) -> Sequence[Provider]:
        """One for a tenant whose directory has a company of the batch, unless the tenant has switched it off."""
        listed = next((each for each in setup.providers if each.kind == "directory"), None)
        if (listed and not listed.enabled) or not (setup.directory or setup.directory_names):
            return []
        return [cls(setup.directory, setup.directory_names, listed.name if listed else "directory")]

    async def lookup(self, subject: Subject) -> Findings:
        company = self._companies.get(subject.company_domain or "")
        if company is None:
            company = self._by_name.get(name_key(subject.fields.get("company")), {})
        return {name: Finding(value, self.name) for name, value in company.items() if value is not None}

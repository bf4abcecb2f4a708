"""A tenant's own table of companies, looked up by domain."""

from collections.abc import Mapping
from typing import Any

from services.enrichment.rules import Finding, Findings, Subject


class Directory:
    """The rows of the domains that a batch asks for, read beforehand in one query."""

    name = "directory"
    kind = "directory"
    timeout = 1.0

    def __init__(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        self._rows = rows

    async def lookup(self, subject: Subject) -> Findings:
        row = self._rows.get(subject.company_domain or "", {})
        return {name: Finding(value, "directory") for name, value in row.items() if value is not None}

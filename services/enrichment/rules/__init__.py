"""What enrichment decides: facts from contact fields, which value wins, what may be fetched. Pure functions."""

from services.enrichment.rules.facts import (
    FACT_FIELDS,
    GUESS,
    Finding,
    Findings,
    Subject,
    join_findings,
    local_findings,
)

__all__ = ["FACT_FIELDS", "GUESS", "Finding", "Findings", "Subject", "join_findings", "local_findings"]

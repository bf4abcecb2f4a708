"""What can be said of a lead without asking anybody: pure functions of what it told us."""

from services.enrichment.rules.facts import FACT_NAMES, RELEVANT, Finding, Findings, Subject, join, local_findings

__all__ = ["FACT_NAMES", "RELEVANT", "Finding", "Findings", "Subject", "join", "local_findings"]

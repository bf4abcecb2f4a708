"""Facts that follow from a lead's contact fields without asking another system: pure functions."""

from services.enrichment.rules.facts import FACT_FIELDS, Finding, Findings, Subject, join_findings, local_findings

__all__ = ["FACT_FIELDS", "Finding", "Findings", "Subject", "join_findings", "local_findings"]

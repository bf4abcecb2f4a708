"""What may be said of a lead: its own words and the facts found about it, each with source and date."""

from datetime import datetime

from services.outreach.drafts.composer import Known
from services.outreach.drafts.composer.template import plain_value
from services.outreach.store import Lead

FIELDS = ("first_name", "last_name", "full_name", "company", "job_title", "country", "timezone", "website", "campaign")


def known_of(lead: Lead) -> dict[str, Known]:
    """Values by name. What the lead said goes before what was found; yes-or-no facts are nothing to write about."""
    known: dict[str, Known] = {}
    for name, fact in lead.facts.items():
        value = fact.get("value")
        if isinstance(value, bool) or not isinstance(value, str | int | float) or not plain_value(value):
            continue
        at = fact.get("fetched_at")
        known[name] = Known(
            "fact", name, plain_value(value), str(fact.get("source", "")), datetime.fromisoformat(at) if at else None
        )
    if "company_name" in known and "company" not in lead.fields:
        found = known["company_name"]
        known["company"] = Known("fact", "company_name", found.value, found.source, found.at)
    for name in FIELDS:
        value = lead.fields.get(name)
        if isinstance(value, str) and plain_value(value):
            known[name] = Known(
                "field", name, plain_value(value), str(lead.fields.get("source", "lead")), lead.fields_at
            )
    return known

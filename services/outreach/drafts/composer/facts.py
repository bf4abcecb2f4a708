"""The facts that a message may state about a lead: contact fields and enriched facts, each with source and date."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.outreach.drafts.composer import Fact
from services.outreach.drafts.composer.given_names import given_name
from services.outreach.drafts.composer.sanitiser import plain_value
from services.outreach.store import Lead

FIELDS = ("first_name", "last_name", "full_name", "company", "job_title", "country", "timezone")
"""The contact fields that a customer may read about itself: no link, and no code of a campaign or source."""


def facts_of(lead: Lead) -> dict[str, Fact]:
    """Facts by name. A contact field outranks an enriched fact of that name; yes-or-no facts are left out.

    A lead with only a full name also has a `first_name`, where the full name surely has one; its source says that it is
    a guess.
    """
    facts: dict[str, Fact] = {}
    for name, fact in lead.facts.items():
        value = fact.get("value")
        if isinstance(value, bool) or not isinstance(value, str | int | float) or not (text := plain_value(value)):
            continue
        at = fact.get("fetched_at")
        facts[name] = Fact("fact", name, text, str(fact.get("source", "")), datetime.fromisoformat(at) if at else None)
    if "company_name" in facts and "company" not in lead.fields:
        facts["company"] = facts["company_name"]
    for name in FIELDS:
        value = lead.fields.get(name)
        if isinstance(value, str) and (text := plain_value(value)):
            facts[name] = Fact("field", name, text, str(lead.fields.get("source", "lead")), lead.fields_at)
    if "first_name" not in facts and "full_name" in facts:
        guess = given_name(facts["full_name"].value, facts["country"].value if "country" in facts else None)
        if guess:
            facts["first_name"] = Fact("fact", "first_name", guess, "guessed from full_name", lead.fields_at)
    return facts


def values_of(lead: Lead) -> dict[str, str]:
    """The values of all facts by name."""
    return {name: fact.value for name, fact in facts_of(lead).items()}


def facts_record(facts: Mapping[str, Fact]) -> dict[str, Any]:
    """The facts as a draft's `made_from` stores them."""
    return {
        fact.name: {"value": fact.value, "source": fact.source, "at": fact.at.isoformat() if fact.at else None}
        for fact in facts.values()
    }

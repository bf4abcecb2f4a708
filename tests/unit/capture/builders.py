"""Builders with defaults for what capture's rules read."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.capture.gateways import Addresses
from services.capture.rules.contact import Contact, normalise
from services.capture.rules.lead import Lead, new_lead

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ADDRESSES = Addresses()


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def a_contact(**given: Any) -> Contact:
    """A submission in normal form; e-mail ada@acme.example unless `email` or `phone` is given."""
    if "email" not in given and "phone" not in given:
        given["email"] = "ada@acme.example"
    contact, problems = normalise({"source": "web", **given}, ADDRESSES)
    assert contact is not None, problems
    return contact


def a_lead(number: int = 1, minutes: float = 0, tenant: str = "acme", **given: Any) -> Lead:
    """The lead that a submission made so many minutes after noon."""
    return new_lead(tenant, UUID(int=number), a_contact(**given), at(minutes))


def messages(problems: list[Any]) -> Mapping[str, str]:
    """What is wrong with which field."""
    return {problem.field: problem.message for problem in problems}

"""Builders with defaults for what capture's rules read."""

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.capture.gateways import OfflineContactNormaliser
from services.capture.rules.contact import Contact, normalise
from services.capture.rules.errors import FieldError
from services.capture.rules.lead import Lead
from services.capture.rules.precedence import new_lead

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NORMALISER = OfflineContactNormaliser()


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def a_contact(**raw: Any) -> Contact:
    """A submission in normal form; e-mail ada@acme.example unless `email` or `phone` is given."""
    if "email" not in raw and "phone" not in raw:
        raw["email"] = "ada@acme.example"
    contact, errors = normalise({"source": "web", **raw}, NORMALISER)
    assert contact is not None, errors
    return contact


def a_lead(number: int = 1, minutes: float = 0, tenant: str = "acme", **raw: Any) -> Lead:
    """The lead that a submission made so many minutes after noon."""
    return new_lead(tenant, UUID(int=number), a_contact(**raw), at(minutes))


def messages(errors: list[FieldError]) -> Mapping[str, str]:
    """The message of each field with an error."""
    return {error.field: error.message for error in errors}


def calls(run: Callable[[], Any]) -> int:
    """How many functions a call calls: work that grows with it, and that no other program on the machine changes."""
    count = 0

    def counting(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counting)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count

"""The form that the value of a fact must have, whoever claims it: what does not have it is left out."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from math import isfinite
from typing import Any
from zoneinfo import available_timezones

from services.enrichment.rules.facts import company_domain_of

MAX_TEXT = 300
"""Characters of a text; what is longer is cut."""
MAX_ITEMS = 20
FACT_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
NOT_FROM_PROVIDERS = frozenset({"email_free", "email_disposable", "email_role"})
"""Facts that follow from the address itself."""

_SPACE = re.compile(r"\s+")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_COUNT = re.compile(r"\d{1,3}(?:[,.' \u00a0\u202f]\d{3}){1,2}|\d{1,9}")

_zones = cache(available_timezones)

CountryCode = Callable[[str | None], str | None]


def clean_text(value: object, limit: int = MAX_TEXT) -> str | None:
    """One line of text without control characters, cut to `limit`; None if nothing is left or it is no text."""
    if not isinstance(value, str):
        return None
    # Cut first: what follows then takes a bounded time.
    text = _SPACE.sub(" ", _UNSEEN.sub(" ", value[: limit * 4])).strip()
    return text[:limit].rstrip() or None


def read_fact(name: str, value: Any, country_code: CountryCode) -> Any:
    """The value in the form of its fact; None if it cannot be one."""
    if name in NOT_FROM_PROVIDERS or value is None:
        return None
    if name == "employees":
        return _employees(value)
    if name in ("country", "phone_country"):
        return country_code(clean_text(value)) if isinstance(value, str) else None
    if name == "timezone":
        return value if isinstance(value, str) and value in _zones() else None
    if name == "company_domain":
        domain = company_domain_of(clean_text(value))
        return domain[:253] if domain else None
    if name in ("company_name", "industry", "seniority", "department", "phone_type"):
        return clean_text(value)
    return _scalar(value) if not isinstance(value, list) else _list(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if isfinite(value) and abs(value) < 1e15 else None
    return clean_text(value)


def _list(values: list[Any]) -> list[Any] | None:
    kept = [read for each in values[:MAX_ITEMS] if (read := _scalar(each)) is not None]
    return kept or None


def _employees(value: Any) -> int | None:
    """A number of people, also from `1,200`, `50-200` (the lower end) and schema.org's QuantitativeValue."""
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("value", "minValue", "maxValue") if value.get(key) is not None), None)
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and isfinite(value):
        value = int(value)
    if isinstance(value, str):
        found = _COUNT.search(value[:100])
        value = int(re.sub(r"\D", "", found[0])) if found and "-" not in value[: found.start()] else None
    return value if isinstance(value, int) and 0 <= value <= 100_000_000 else None

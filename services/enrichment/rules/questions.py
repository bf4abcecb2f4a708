"""What a provider is asked about a lead: the values that its address is made from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote
from uuid import UUID

import orjson

from services.enrichment.rules.facts import Subject
from shared.ids import digest

_PLACEHOLDER = re.compile(r"\{\{? ?([a-z_]{1,40}) ?\}?\}")
PLACEHOLDERS: Mapping[str, str] = {
    "domain": "company_domain",
    "company_domain": "company_domain",
    "company": "company",
    "company_name": "company",
    "country": "country",
    "website": "website",
    "email": "email",
    "phone": "phone",
    "job_title": "job_title",
}
"""What an address may contain in braces, and the value that takes its place."""
PERSONAL = frozenset({"email", "phone", "job_title"})
"""Values about the person. Answers to them belong to one lead, and are erased with it."""


@dataclass(frozen=True, slots=True)
class Question:
    """The values for one request. Leads with equal values share the answer."""

    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> UUID:
        """A digest, so that no contact detail stands in a key."""
        return digest("question", orjson.dumps(dict(self.values), option=orjson.OPT_SORT_KEYS).decode())

    @property
    def personal(self) -> bool:
        return any(name in PERSONAL for name in self.values)


def placeholders(template: str) -> set[str]:
    """The names in braces, known or not."""
    return set(_PLACEHOLDER.findall(template))


def has_other_braces(template: str) -> bool:
    """Whether there are braces that name no value, and would be sent as they are."""
    return not {"{", "}"}.isdisjoint(_PLACEHOLDER.sub("", template))


def question_for(template: str, subject: Subject) -> Question | None:
    """What a template asks about a lead; None if the lead lacks one of the values."""
    values: dict[str, str] = {}
    for name in placeholders(template):
        source = PLACEHOLDERS[name]
        value = subject.company_domain if source == "company_domain" else subject.fields.get(source)
        if not value or not value.strip():
            return None
        values[source] = value.strip()[:300]
    return Question(values)


def render(template: str, question: Question) -> str:
    """The address with its values, each escaped so that it stays one part of a path or query."""
    return _PLACEHOLDER.sub(lambda found: quote(question.values[PLACEHOLDERS[found[1]]], safe=""), template)

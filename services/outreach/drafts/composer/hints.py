"""A reviewer's hints to the composer without a language model: shorter, longer, formal, informal, mention a known fact.

A hint changes the text that the templates made. What was asked of an earlier version of the draft still holds, so that
"shorter" and then "formal" is both. A hint that cannot be followed is named, and nothing is made up for it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from services.outreach.drafts.composer import Fact
from services.outreach.drafts.composer.phrases import MENTIONS

KNOWN = "shorter, longer, formal, informal, mention (a known fact)"
"""What a reviewer may ask of the templates."""
MOST = 2
"""How many steps shorter or longer than the template a text may become."""

_PARTS = re.compile(r"[,;.!\n]|\band\b|\bbut\b|\bthen\b|\balso\b|\bplus\b|&", re.I)
_COURTESY = re.compile(r"(please|pls|thanks|thank you|many thanks|ok|okay|hi|hello)", re.I)
_NEGATED = re.compile(r"\b(not|don'?t|never|without|no)\b", re.I)
_MENTION = re.compile(
    r"^(?:please )?(?:mention|include|refer to|bring up|talk about|name|add|cite)\b"
    r"(?: (?:that|the|their|his|her|its|our|your|a|an|of|in)\b)*",
    re.I,
)


@dataclass(frozen=True, slots=True)
class _Change:
    """What words change in a text: steps of its length, or its tone."""

    words: re.Pattern[str]
    length: int = 0
    tone: str | None = None


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.I)


_CHANGES = (
    _Change(_words("less (informal|casual|friendly)", "too (informal|casual|friendly)", "politer?"), tone="formal"),
    _Change(_words("(less|too) formal", "informal(ly)?", "casual(ly)?", "relaxed", "friendl(y|ier)"), tone="informal"),
    _Change(_words("formal(ly)?"), tone="formal"),
    _Change(_words("too short", "more (text|words|details?|detailed)", "elaborate", "expand", "extend"), 1),
    _Change(_words("too (long|wordy)", "less (text|words)", "short(er|en)?", "brief(er|ly)?", "concise(ly)?"), -1),
    _Change(_words("long(er)?"), 1),
)
"""The first whose words are found counts."""
_NAMES: Mapping[str, str] = {
    "company": "company",
    "company name": "company",
    "firm": "company",
    "employer": "company",
    "industry": "industry",
    "sector": "industry",
    "branch": "industry",
    "job": "job_title",
    "job title": "job_title",
    "title": "job_title",
    "role": "job_title",
    "position": "job_title",
    "department": "department",
    "team": "department",
    "size": "employees",
    "company size": "employees",
    "headcount": "employees",
    "employees": "employees",
    "number of employees": "employees",
    "time zone": "timezone",
    "timezone": "timezone",
    "name": "first_name",
    "first name": "first_name",
}
"""What people call the facts that can be mentioned."""


@dataclass(frozen=True, slots=True)
class Hints:
    """How a text differs from what its template makes. `length`: steps shorter (negative) or longer."""

    length: int = 0
    tone: str | None = None
    mention: tuple[str, ...] = ()
    """The names of facts."""

    def to_json(self) -> dict[str, Any]:
        """As a draft's `made_from` stores them."""
        return {"length": self.length, "tone": self.tone, "mention": list(self.mention)}

    @staticmethod
    def from_json(stored: Mapping[str, Any] | None) -> "Hints":
        """Those of a draft's `made_from`; none where it has none."""
        stored = stored or {}
        return Hints(stored.get("length", 0), stored.get("tone"), tuple(stored.get("mention", ())))


@dataclass(frozen=True, slots=True)
class ReadHints:
    """The hints of an instruction, added to those that held before, and a sentence for each that is not followed."""

    hints: Hints
    not_followed: list[str] = field(default_factory=list)


def read_hints(instruction: str | None, facts: Mapping[str, Fact], before: Hints = Hints()) -> ReadHints:
    """Read an instruction, part by part."""
    found = ReadHints(before)
    mentions = False
    for part in _PARTS.split(instruction or ""):
        text = " ".join(part.split())
        if not text or _COURTESY.fullmatch(text):
            continue
        asked = _mention_of(text, facts)
        mentions = asked is not None or (mentions and _fact_called(text, facts) is not None)
        if mentions:
            found = _mention(found, text[asked.end() :].strip() if asked else text, facts)
        else:
            found = _change(found, text)
    return found


def _mention_of(text: str, facts: Mapping[str, Fact]) -> re.Match[str] | None:
    """The words that ask for a mention; "add more details" asks for a longer text."""
    asked = _MENTION.match(text)
    if (
        asked
        and _fact_called(text[asked.end() :], facts) is None
        and any(change.words.search(text) for change in _CHANGES)
    ):
        return None
    return asked


def _change(found: ReadHints, text: str) -> ReadHints:
    hints = found.hints
    change = None if _NEGATED.search(text) else next((change for change in _CHANGES if change.words.search(text)), None)
    if change is None:
        return _cannot(found, f"the templates cannot follow {text[:100]!r}; they understand: {KNOWN}")
    length = hints.length + change.length
    if abs(length) > MOST:
        return _cannot(found, f"the text cannot be made {'shorter' if length < 0 else 'longer'} than it is")
    return replace(found, hints=replace(hints, length=length, tone=change.tone or hints.tone))


def _mention(found: ReadHints, what: str, facts: Mapping[str, Fact]) -> ReadHints:
    name = _fact_called(what, facts)
    if name is None:
        return _cannot(found, f"nothing is known that could be mentioned as {what[:100]!r}")
    hints = found.hints
    return replace(found, hints=replace(hints, mention=tuple(dict.fromkeys((*hints.mention, name)))))


def _fact_called(what: str, facts: Mapping[str, Fact]) -> str | None:
    """The name of the known fact that is called so: by its name, by what people call it, or by its value."""
    text = re.sub(r"^(the|their|his|her|its|that|a|an) | please$", "", what.strip().casefold())
    text = re.sub(r" (they|he|she) (works?|is|are) (in|at)$", "", text).replace("_", " ").strip(" '\"")
    name = _NAMES.get(text) or text.replace(" ", "_")
    if name in facts and name in MENTIONS:
        return name
    return next(
        (name for name in MENTIONS if name in facts and facts[name].value.casefold() == text),
        None,
    )


def _cannot(found: ReadHints, why: str) -> ReadHints:
    return replace(found, not_followed=[*found.not_followed, why])

"""The claim check: each factual sentence points to what we know, and one that does not is marked for the reviewer."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from services.outreach.drafts.composer import Known

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_FACTUAL = re.compile(
    r"\d|%|[€$£]"
    r"|\byour (company|team|firm|business|website|people)( have| has| are| is| use| uses| recently| just)\b"
    r"|\byou('ve| have)? (use|recently|just|raised|hired|expanded|launched|grew|found us)\b|\byou (are|'re) (a|an|the"
    r"|our)\b"
    r"|\bi (saw|noticed|read|heard|understand|see) that\b|\bi (saw|noticed|read|heard)\b"
    r"|\bwe('ve| have)? (helped|increased|reduced|saved|work with|serve|doubled)\b|\b(customers|clients) (like"
    r"|such as)\b"
    r"|\bas (the |an? )?[a-z ]{2,40} (at|of)\b",
    re.I,
)


def sentences(body: str) -> list[str]:
    """The sentences of a text, one for each line where lines are short; greetings and signature lines included."""
    return [part for part in (" ".join(piece.split()) for piece in _SENTENCE.split(body)) if part]


def claim(sentence: str, known: Known | None) -> dict[str, Any]:
    """One row of the claim check. `at` becomes an age when it is shown; without a fact the sentence is unsupported."""
    if known is None:
        return {"sentence": sentence, "fact": None, "value": None, "source": None, "at": None, "unsupported": True}
    return {
        "sentence": sentence,
        known.kind: known.name,
        "value": known.value,
        "source": known.source,
        "at": known.at.isoformat() if known.at else None,
    }


def check(body: str, cited: Iterable[tuple[str, Known]], known: Mapping[str, Known]) -> list[dict[str, Any]]:
    """The claims of a text: what its author cites, what we recognise in it, and what is said without a fact.

    A citation counts only when its sentence stands in the text and says the value.
    """
    present = sentences(body)
    rows: list[dict[str, Any]] = []
    covered: set[str] = set()
    seen: set[tuple[str, str]] = set()

    def support(sentence: str, fact: Known) -> None:
        covered.add(sentence)
        if (sentence, fact.value.lower()) not in seen:
            seen.add((sentence, fact.value.lower()))
            rows.append(claim(sentence, fact))

    for quoted, fact in cited:
        wanted = " ".join(quoted.split())
        for sentence in present:
            if (wanted in sentence or sentence in wanted) and says(sentence, fact.value):
                support(sentence, fact)
    for sentence in present:
        for fact in known.values():
            if len(fact.value) >= 3 and says(sentence, fact.value):
                support(sentence, fact)
    rows += [claim(sentence, None) for sentence in present if sentence not in covered and _FACTUAL.search(sentence)]
    return sorted(rows, key=lambda row: present.index(row["sentence"]))


def says(sentence: str, value: str) -> bool:
    """Does the sentence contain the value as words of its own?"""
    return re.search(rf"(?<!\w){re.escape(value.strip())}(?!\w)", sentence, re.I) is not None


def shown(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A claim as the API shows it: `age` in whole seconds."""
    at = row.get("at")
    age = max(0, int((now - datetime.fromisoformat(at)).total_seconds())) if at else None
    return {**{key: value for key, value in row.items() if key != "at"}, "age": age}

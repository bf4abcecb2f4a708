"""The claim check: each factual sentence of a text cites a fact, and one that cites none is marked for the reviewer.

Promises are claims too, and so is every link that does not lead to the tenant's own domains.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from services.outreach.drafts.composer import Fact
from services.outreach.drafts.composer.links import links_in

MAX_SENTENCES = 1_000
"""Sentences that are checked; a text with more is marked as a whole."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_NUMBER = r"(?<![\w-])\d[\d.,:]{0,30}(?:x|k|m|bn|st|nd|rd|th)?(?![\w-])"
"""A number by itself: neither a part of a code (8f3a) nor of a compound (a 30-minute call)."""
_APPOINTMENT = re.compile(
    r"\b\d{1,2}[:.]\d\d\b|\b\d{1,2} ?(am|pm|uhr|o'clock)\b|\b(at|by|before|after|from|until|to|um) \d{1,2}([:.]\d\d)?\b"
    r"|\b\d{1,2}(st|nd|rd|th|\.)? (of )?"
    r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,7}\b|\b\d{1,3} (minutes?|mins?|hours?)\b",
    re.I,
)
"""What a question about a meeting names: a time, a date, how long. It states nothing."""
_FACTUAL = re.compile(
    rf"{_NUMBER}|%|[€$£¥]"
    r"|\byour (company|team|firm|business|website|people)( have| has| are| is| use| uses| recently| just)\b"
    r"|\byou('ve| have)? (use|recently|just|raised|hired|expanded|launched|grew|found us)\b"
    r"|\byou (are|'re) (a|an|the|our)\b"
    r"|\bi (saw|noticed|read|heard|understand|see) that\b|\bi (saw|noticed|read|heard)\b"
    r"|\bas (the |an? )?[a-z ]{2,40} (at|of)\b",
    re.I,
)
_ABOUT_US = re.compile(
    r"\bwe('ve| have)? (helped|increased|reduced|saved|work with|serve|doubled)\b"
    r"|\b(customers|clients) (like|such as)\b",
    re.I,
)
"""What no fact about the lead supports."""
_FIGURE = re.compile(rf"{_NUMBER}|%|[€$£¥]", re.I)
_CODES = frozenset({"country", "department", "phone_country", "phone_type", "seniority"})
"""Facts whose value is a code of our own, like `sales`: the word in a text is not about the fact."""
_PROMISE = re.compile(
    # English, German, French, Spanish, Portuguese, Dutch, Italian
    r"\b((?<!feel )(?<!are you )(?<!you're )(?<!be )free\b(?! (on|at|to|this|next|today|tomorrow|from|between)\b)"
    r"|at no (cost|charge)|no[- ]charge|promis(e|es|ed)|guarantee[ds]?|warrant(y|ies)"
    r"|discount(s|ed)?|refund(s|ed|able)?|money[- ]back|rebate|lifetime|risk[- ]free|best price|lowest price|cheapest"
    r"|certified|compliant|award[- ]winning|market leader|number one"
    r"|our (ceo|boss|founder|director)|you will (never|always)|we (will|can) always"
    r"|exclusive(ly)?|limited offer|last chance"
    r"|kostenlos|gratis|umsonst|garantier\w*|versprech\w*|versprochen|rabatt\w*|geld[- ]zurück|zertifiziert"
    r"|gratuit\w*|garanti\w*|promet\w*|promis|remise|remboursé?\w*|rabais"
    r"|gratuito|garantiza\w*|garant[íi]a\w*|promesa|prometemos|descuento\w*|reembols\w*|certificad\w*"
    r"|grátis|garantimos|desconto\w*|promessa"
    r"|kosteloos|korting\w*|belov\w*|beloof\w*|terugbetal\w*"
    r"|sconto|sconti|promettiamo|rimbors\w*)\b",
    re.I,
)


def split_sentences(text: str) -> list[str]:
    """The sentences of a text as they are written; each line is one at least, greetings and signatures too."""
    return _SENTENCE_END.split(text)


def sentences(text: str) -> list[str]:
    """The sentences of a text that are not empty, with single spaces."""
    return [sentence for sentence in (" ".join(part.split()) for part in split_sentences(text)) if sentence]


def _unsupported(sentence: str, kind: str, value: str | None = None) -> dict[str, Any]:
    """One sentence that cites nothing, as a draft stores it: a `statement`, a `promise`, a `link` or `unchecked`."""
    return {
        "sentence": sentence,
        "kind": kind,
        "fact": None,
        "value": value,
        "source": None,
        "at": None,
        "unsupported": True,
    }


def _supported(sentence: str, fact: Fact) -> dict[str, Any]:
    """One sentence that cites a fact, as a draft stores it."""
    return {
        "sentence": sentence,
        "kind": fact.kind,
        fact.kind: fact.name,
        "value": fact.value,
        "source": fact.source,
        "at": fact.at.isoformat() if fact.at else None,
    }


def check_claims(
    body: str,
    cited: Iterable[tuple[str, Fact]],
    facts: Mapping[str, Fact],
    own_domains: Collection[str] = (),
    subject: str | None = None,
) -> list[dict[str, Any]]:
    """The claims of a text: the citations of its author, the facts recognised in it, and unsupported sentences.

    A citation counts only when its sentence is in the text and contains the fact's value. A sentence with a link that
    does not lead to `own_domains` is unsupported, whatever facts it contains; its `value` is the link.
    """
    present = list(dict.fromkeys(sentences(f"{subject}\n{body}" if subject else body)))
    if len(present) > MAX_SENTENCES:
        reason = f"The text has more than {MAX_SENTENCES} sentences, and its claims were not checked."
        return [_unsupported(reason, "unchecked")]
    place = {sentence: number for number, sentence in enumerate(present)}
    rows: list[dict[str, Any]] = []
    supported: dict[str, list[re.Pattern[str]]] = {}
    seen: set[tuple[str, str]] = set()
    finders = {fact.name: _finder(fact.value) for fact in facts.values()}

    def support(sentence: str, fact: Fact) -> None:
        supported.setdefault(sentence, []).append(finders.get(fact.name) or _finder(fact.value))
        if (sentence, fact.value.lower()) not in seen:
            seen.add((sentence, fact.value.lower()))
            rows.append(_supported(sentence, fact))

    for quoted, fact in cited:
        quote = " ".join(quoted.split())
        finder = finders.get(fact.name) or _finder(fact.value)
        for sentence in present:
            if (quote in sentence or sentence in quote) and finder.search(sentence):
                support(sentence, fact)
    for sentence in present:
        for fact in facts.values():
            if len(fact.value) >= 3 and fact.name not in _CODES and finders[fact.name].search(sentence):
                support(sentence, fact)
    for sentence in present:
        foreign = [link for link in links_in(sentence) if not link.belongs_to(own_domains)]
        if foreign:
            rows += [_unsupported(sentence, "link", link.shown) for link in foreign]
        elif _PROMISE.search(sentence):
            rows.append(_unsupported(sentence, "promise"))
        elif _states_more_than(sentence, supported.get(sentence, ())):
            rows.append(_unsupported(sentence, "statement"))
    return sorted(rows, key=lambda row: place[row["sentence"]])


def _states_more_than(sentence: str, values: Collection[re.Pattern[str]]) -> bool:
    """Whether it could be true or false of the lead or of us, and the values of facts in it do not account for that.

    A fact about the lead accounts for what is said of the lead, but neither for another figure nor for a word about us.
    """
    stated = _APPOINTMENT.sub(" ", sentence) if sentence.endswith("?") else sentence
    if _ABOUT_US.search(stated):
        return True
    for value in values:
        stated = value.sub(" ", stated)
    return (_FIGURE if values else _FACTUAL).search(stated) is not None


def contains_value(sentence: str, value: str) -> bool:
    """Whether the sentence contains the value as whole words, in any case."""
    return _finder(value).search(sentence) is not None


def _finder(value: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(value.strip())}(?!\w)", re.I)

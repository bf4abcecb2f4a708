"""Changes the text that a template made: shorter, longer, another tone, a fact more. Plain text in, plain text out.

A text is taken as a greeting, a middle and a closing. Shorter texts keep what asks for an answer; the way to opt out of
SMS always stays.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from services.outreach.drafts.composer import Fact
from services.outreach.drafts.composer.claims import contains_value
from services.outreach.drafts.composer.hints import Hints
from services.outreach.drafts.composer.phrases import (
    CLOSING_WORDS,
    CLOSINGS,
    FORMAL_WORDS,
    GREETINGS,
    INFORMAL_WORDS,
    MENTIONS,
    MORE,
    NAMELESS,
    OPENING_WORDS,
)

_SENTENCES = re.compile(r"(?<=[.!?]) +")
_GREETING = re.compile(rf"(?:{'|'.join(OPENING_WORDS)})\b[^\n!?]{{0,80}},\Z", re.I)
_LINE_OF_GREETING = re.compile(r"[^\n]{1,100},\Z")
_SMS_GREETING = re.compile(rf"(?:{'|'.join(OPENING_WORDS)})\b(?: [^\n.!?,]{{1,80}})?, (?=\S)")
_CLOSING = re.compile(rf"(?:{'|'.join(CLOSING_WORDS)}),?\Z", re.I)
_ASKS = re.compile(r"\?|\bplease\b", re.I)
_STOP = re.compile(r"\bSTOP\b")


def restyled(
    body: str, hints: Hints, kind: str, channel: str, facts: Mapping[str, Fact]
) -> tuple[str, Hints, list[str]]:
    """The text by the hints, the hints that it follows, and a sentence for each that this text does not allow."""
    not_followed: list[str] = []
    if hints.length > 0:
        body = _longer(body, MORE[kind][: hints.length], channel)
    elif hints.length < 0:
        shorter = _shortened(body, channel)[: -hints.length]
        if len(shorter) < -hints.length:
            not_followed.append("the text is as short as its template allows")
            hints = replace(hints, length=-len(shorter))
        body = shorter[-1] if shorter else body
    for name in hints.mention:
        body = _mention(body, name, facts[name].value, channel) if name in facts else body
    if hints.tone:
        changed = _toned(body, hints.tone, channel, facts)
        if changed == body:
            not_followed.append(f"the text has nothing that could be made {hints.tone}")
        body = changed
    return body, hints, not_followed


def mention(name: str, value: str) -> str:
    """The sentence that mentions a fact; '' for one that the greeting mentions."""
    return MENTIONS[name].replace("{value}", value)


def _paragraphs(body: str) -> tuple[list[str], list[str], list[str]]:
    """The greeting, the middle and the closing of an e-mail, as paragraphs; each may be empty.

    They are known by their form, whatever their language: a line with a comma at its end, lines that are no sentence.
    """
    parts = body.strip().split("\n\n")
    head = parts[:1] if len(parts) > 1 and _LINE_OF_GREETING.match(parts[0]) else []
    rest = parts[len(head) :]
    has_closing = len(rest) > 1 and _is_closing(rest[-1])
    return head, rest[:-1] if has_closing else rest, rest[-1:] if has_closing else []


def _is_closing(paragraph: str) -> bool:
    """Whether these are a few short lines, and none is a sentence: a sign-off and a name."""
    lines = paragraph.strip().split("\n")
    return len(lines) <= 5 and all(len(line) <= 80 and not line.rstrip().endswith((".", "!", "?")) for line in lines)


def _joined(*parts: list[str]) -> str:
    return "\n\n".join(paragraph for part in parts for paragraph in part if paragraph) + "\n"


def _mention(body: str, name: str, value: str, channel: str) -> str:
    """The text with a sentence about the fact, unless it has the value already."""
    sentence = mention(name, value)
    if not sentence or contains_value(body, value):
        return body
    if channel == "sms":
        return _before_stop(body, [sentence])
    head, middle, tail = _paragraphs(body)
    return _joined(head, [f"{middle[0]} {sentence}" if middle else sentence, *middle[1:]], tail)


def _longer(body: str, sentences: tuple[str, ...], channel: str) -> str:
    if channel == "sms":
        return _before_stop(body, sentences)
    head, middle, tail = _paragraphs(body)
    return _joined(head, middle, [" ".join(sentences)], tail)


def _before_stop(body: str, added: list[str] | tuple[str, ...]) -> str:
    """An SMS with sentences before the one that says how to opt out."""
    sentences = _SENTENCES.split(body.strip())
    place = next((number for number, sentence in enumerate(sentences) if _STOP.search(sentence)), len(sentences))
    return " ".join([*sentences[:place], *added, *sentences[place:]])


def _shortened(body: str, channel: str) -> list[str]:
    """Ever shorter versions: first without what neither begins the text nor asks for an answer, then only what asks."""
    versions: list[str] = []
    for keeps_first in (True, False):
        version = _shorter(body, channel, keeps_first=keeps_first)
        if len(version) < len(versions[-1] if versions else body):
            versions.append(version)
    return versions


def _shorter(body: str, channel: str, *, keeps_first: bool) -> str:
    head, middle, tail = ([], [body.strip()], []) if channel == "sms" else _paragraphs(body)
    sentences = [_SENTENCES.split(paragraph) for paragraph in middle]
    everything = [sentence for paragraph in sentences for sentence in paragraph]
    kept = {sentence for sentence in everything if _ASKS.search(sentence) or _STOP.search(sentence)}
    if not any(_ASKS.search(sentence) for sentence in kept) and everything:
        kept.add(
            next(sentence for sentence in reversed(everything) if not _STOP.search(sentence) or len(everything) == 1)
        )
    if (keeps_first or channel == "sms") and everything:
        kept.add(everything[0])
    middle = [" ".join(sentence for sentence in paragraph if sentence in kept) for paragraph in sentences]
    return " ".join(filter(None, middle)) if channel == "sms" else _joined(head, middle, tail)


def _toned(body: str, tone: str, channel: str, facts: Mapping[str, Fact]) -> str:
    words = FORMAL_WORDS if tone == "formal" else INFORMAL_WORDS
    if channel == "sms":
        opening = _SMS_GREETING.match(body)
        greeting = f"{_greeting(tone, facts)} " if opening else ""
        return greeting + _reworded(body[opening.end() if opening else 0 :], words)
    head, middle, tail = _paragraphs(body)
    if head and _GREETING.match(head[0]):
        head = [_greeting(tone, facts)]
    if tail and _CLOSING.match(tail[0].split("\n")[0].strip()):
        tail = ["\n".join([CLOSINGS[tone], *tail[0].split("\n")[1:]])]
    return _joined(head, [_reworded(paragraph, words) for paragraph in middle], tail)


def _greeting(tone: str, facts: Mapping[str, Fact]) -> str:
    """The greeting by what is known: the whole name in a formal one, the first name in an informal one."""
    known = {name: fact.value for name, fact in facts.items()}
    name = known.get("first_name")
    if tone == "formal":
        parts = [known.get("first_name"), known.get("last_name")]
        name = known.get("full_name") or " ".join(part for part in parts if part)
    return f"{GREETINGS[tone]} {name}," if name else NAMELESS[tone]


def _reworded(text: str, words: Mapping[str, str]) -> str:
    """The text with other words, a capital where there was one."""

    def other(hit: re.Match[str]) -> str:
        found = hit.group(0)
        word = words.get(found) or words.get(found[0].lower() + found[1:], found)
        return word[0].upper() + word[1:] if found[0].isupper() else word

    either = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.sub(rf"\b(?:{either})\b", other, text, flags=re.I) if words else text

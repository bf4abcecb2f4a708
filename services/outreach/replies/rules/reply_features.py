"""The features of a reply that the reply model counts: words, pairs of words, parts of words, concepts, form.

Reading costs time in proportion to the text, and only its beginning and its end are read (`READ`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from zlib import crc32

from services.outreach.replies.rules.concepts import concepts_of, folded, phrase_concepts

READ = 2_400
"""Characters of a text that are read: two thirds from its beginning, a third from its end."""
SUBJECT_READ = 120

_TOKEN = re.compile(
    r"https?://[^\s>]{1,300}|[\w.+-]{1,64}@[\w.-]{1,64}|\d{1,2}[:.h]\d{2}(?!\d)|\d{1,9}|[^\W\d_]{1,30}(?:'[^\W\d_]{1,12})?"
    r"|[?!]|[\U0001F300-\U0001FAFF\u2600-\u27BF]"
)
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")
_NOT = re.compile(r"n't\b|\bcannot\b|\bdont\b|\bcant\b|\bwont\b|\bdidnt\b|\bdoesnt\b|\bisnt\b")
_LIST_MARKS = "*-+#@|>•"
_CODE = re.compile(r"\w_\w|\w\(\)|[{}<>=]{2}|\w::\w|--\w|\w\.(?:py|c|h|js|rb|txt|md|cfg|toml)\b|\w/\w{1,40}/\w")
_REPEATED = re.compile(r"(.)\1{2,}")

Groups = dict[str, Counter[int]]
"""How often each feature occurs, by group. Each group is brought to the same length, so that none drowns another.

Features go by the numbers under which their weights are kept (32 bits; the same on every machine).
"""
_START = {group: crc32(f"{group}\t".encode()) for group in ("word", "part", "concept", "form")}


def features_of(text: str, subject: str, channel: str) -> Groups:
    """The features of a reply. `text`: the writer's own words; `subject`: as it came, "" for an SMS."""
    text = _shortened(_straight(text))
    lowered = _lowered(text)
    tokens = _tokens(lowered)
    return {
        "word": _numbered("word", _words(tokens)),
        "part": Counter(chain.from_iterable(_parts_of(word[:40]) for word in lowered.split())),
        "concept": _numbered("concept", _concepts(tokens)),
        "form": _numbered("form", _form(text, tokens, channel, subject)),
    }


def words_of(sentence: str) -> Counter[int]:
    """The features of the group `word` alone, which say most of a sentence."""
    return _numbered("word", _words(_tokens(_lowered(_straight(sentence)))))


def _lowered(text: str) -> str:
    return _REPEATED.sub(r"\1\1", text.lower())


def _tokens(lowered: str) -> list[list[str]]:
    return [tokens_of(sentence) for sentence in _SENTENCE_END.split(lowered) if sentence.strip()]


def tokens_of(text: str) -> list[str]:
    """The folded words of a text in lower case; numbers, times, addresses and links by their kind."""
    return [_kind(token) for token in _TOKEN.findall(_NOT.sub(" not", folded(text)))]


def _straight(text: str) -> str:
    return text.replace("’", "'").replace("‘", "'").replace("`", "'").replace("´", "'").replace("\u00a0", " ")


def _shortened(text: str) -> str:
    return text if len(text) <= READ else text[: READ * 2 // 3] + "\n" + text[-READ // 3 :]


def _kind(token: str) -> str:
    if token.startswith(("http:", "https:")):
        return "<url>"
    if "@" in token:
        return "<email>"
    if token[0].isdigit():
        if not token.isdigit():
            return "<clock>"
        return "<year>" if len(token) == 4 and token[:2] in ("19", "20") else f"<num{min(len(token), 4)}>"
    return token


def _words(sentences: Sequence[Sequence[str]]) -> Iterator[str]:
    for tokens in sentences:
        padded = ("<s>", *tokens, "</s>")
        yield from tokens
        yield from map(" ".join, pairwise(padded))
        yield from map(" ".join, zip(padded, padded[1:], padded[2:], strict=False))
        yield from (f"{first}_{third}" for first, third in zip(tokens, tokens[2:], strict=False))
        yield from (f"{first}__{fourth}" for first, fourth in zip(tokens, tokens[3:], strict=False))


@lru_cache(maxsize=30_000)
def _parts_of(word: str) -> tuple[int, ...]:
    padded, start = f" {word} ", _START["part"]
    return tuple(
        crc32(padded[at : at + size].encode(errors="replace"), start)
        for size in (2, 3, 4, 5)
        for at in range(max(1, len(padded) - size + 1))
    )


def _concepts(sentences: Sequence[Sequence[str]]) -> Iterator[str]:
    """Concepts, pairs of concepts in a row and near each other, and which concepts a sentence joins."""
    for number, tokens in enumerate(sentences):
        row = _concept_row(tokens)
        for at, found in enumerate(row):
            yield from found
            for other in row[at + 1 : at + 5]:
                yield from (f"{a}>{b}" for a in found for b in other if a != b)
        present = sorted({concept for found in row for concept in found})
        yield from (f"{a}+{b}" for at, a in enumerate(present) for b in present[at + 1 :])
        if number == 0:
            yield from (f"first {each}" for each in present)
        if number == len(sentences) - 1:
            yield from (f"last {each}" for each in present)


def _concept_row(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    """The concepts of each word that has any, with those of the phrases that begin with it."""
    row = []
    for at, token in enumerate(tokens):
        found = [*concepts_of(token)]
        for size in (2, 3):
            if at + size <= len(tokens):
                found += phrase_concepts(" ".join(tokens[at : at + size]))
        if token in ("?", "<clock>", "<email>", "<url>", "<year>"):
            found.append(token)
        if found:
            row.append(tuple(dict.fromkeys(found)))
    return row


def _form(text: str, sentences: Sequence[Sequence[str]], channel: str, subject: str) -> Iterator[str]:
    count = sum(map(len, sentences))
    yield f"channel {channel}"
    yield f"length {min(count, 400).bit_length()}"
    yield f"sentences {min(len(sentences), 6)}"
    if "?" in text:
        yield "asks"
        if text.rstrip().endswith("?"):
            yield "ends asking"
    if "!" in text:
        yield "calls out"
    if text.isupper():
        yield "capitals"
    concepts = {concept for tokens in sentences for token in tokens for concept in concepts_of(token)}
    yield from (f"no {each}" for each in ("ME", "YOU") if each not in concepts)
    yield from (
        f"no ME, {each}" for each in ("REMOVE", "STOP", "LEFT", "WRONG") if each in concepts and "ME" not in concepts
    )
    lines = text.splitlines()
    yield f"lists {min(3, sum(line.lstrip()[:1] in _LIST_MARKS and bool(line.strip()) for line in lines))}"
    if _CODE.search(text):
        yield "code"
    if sentences:
        first, last = sentences[0], sentences[-1]
        yield from (f"first {token}" for token in first[:3])
        yield "first " + " ".join(first[:2])
        yield from (f"last {token}" for token in last[-3:])
        if count <= 4:
            yield "whole " + " ".join(token for tokens in sentences for token in tokens)
    words = tokens_of(subject[:SUBJECT_READ].lower())
    yield from (f"subject {word}" for word in words)
    yield from (f"subject {a} {b}" for a, b in pairwise(words))
    yield "subject starts " + " ".join(words[:1])


def _numbered(group: str, features: Iterable[str]) -> Counter[int]:
    start = _START[group]
    return Counter(crc32(feature.encode(errors="replace"), start) for feature in features)

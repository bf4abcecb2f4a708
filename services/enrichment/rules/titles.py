"""Seniority and department from a job title."""

import re
import unicodedata
from functools import lru_cache

from services.enrichment.rules.vocabulary import DEPARTMENT, SENIORITY

_LETTERS = str.maketrans(
    {"ß": "ss", "ł": "l", "ø": "o", "æ": "ae", "đ": "d", "ı": "i", "œ": "oe", "&": " ", "'": " ", "’": " "}
)


def plain(title: str) -> str:
    """The title in lower case, without accents, with single spaces between words."""
    letters = unicodedata.normalize("NFKD", title.casefold().translate(_LETTERS))
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[a-z0-9]+", kept))


def _pattern(words: str) -> re.Pattern[str]:
    phrases = [" ".join(phrase.split()) for part in words.split("|") for phrase in part.split(",")]
    parts = [re.escape(phrase).replace(r"\ ", " ").replace(r"\*", "[a-z]*") for phrase in phrases if phrase]
    parts.sort(key=len, reverse=True)
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(parts)})(?![a-z0-9])")


_SENIORITY = [(level, _pattern(words)) for level, words in SENIORITY]
_DEPARTMENT = [(name, _pattern(words)) for name, words in DEPARTMENT]


@lru_cache(maxsize=10_000)
def seniority(title: str) -> str | None:
    """The level: `owner c_level vp director head manager senior staff junior intern student`.

    `staff` for a title that names no level; None for an empty title.
    """
    words = plain(title)
    return next((level for level, pattern in _SENIORITY if pattern.search(words)), "staff") if words else None


@lru_cache(maxsize=10_000)
def department(title: str) -> str | None:
    """The department that a title names (`sales`, `it`, ...); None if it names no department."""
    words = plain(title)
    return next((name for name, pattern in _DEPARTMENT if pattern.search(words)), None)

"""How names of people and companies are compared."""

import string
import unicodedata
from collections.abc import Mapping
from hashlib import blake2b

_PLAIN = str.maketrans(
    string.ascii_uppercase + string.punctuation + string.whitespace,
    string.ascii_lowercase + " " * (len(string.punctuation) + len(string.whitespace)),
)


def fold(text: str) -> str:
    """Letters and digits only, lower case, without accents."""
    if text.isascii():
        return text.translate(_PLAIN)
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c if c.isalnum() else " " for c in decomposed if not unicodedata.combining(c))


def _words(fields: Mapping[str, str]) -> list[str]:
    name = f"{fields.get('first_name', '')} {fields.get('last_name', '')}"
    return fold(name if name != " " else fields.get("full_name", "")).split()


def names_agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool | None:
    """Whether two names can be one person's: the shorter is part of the longer, initials count.

    None when one of them is no name at all.
    """
    short, long = sorted((_words(one), _words(other)), key=len)
    if not short:
        return None
    left = list(long)
    for word in short:
        fit = next((w for w in left if w == word or (min(len(w), len(word)) == 1 and w[0] == word[0])), None)
        if fit is None:
            return False
        left.remove(fit)
    return True


def likeness(fields: Mapping[str, str]) -> int | None:
    """A key that leads with the same full name and the same company share; None without both. 64 bits, signed."""
    company = fold(fields.get("company", "")).split()
    words = sorted(_words(fields)) if company else []
    if len(words) < 2:
        return None
    return int.from_bytes(blake2b(" ".join([*words, "|", *company]).encode(), digest_size=8).digest(), signed=True)


NAMED_BY = frozenset({"first_name", "last_name", "full_name", "company"})
"""The fields that a likeness follows from."""

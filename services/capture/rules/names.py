"""How names of people and companies are compared."""

import string
import unicodedata
from collections.abc import Mapping

from anyascii import anyascii

NAME_FIELDS = frozenset({"first_name", "last_name", "full_name"})

_FOLDED_ASCII = str.maketrans(
    string.ascii_uppercase + string.punctuation + string.whitespace,
    string.ascii_lowercase + " " * (len(string.punctuation) + len(string.whitespace)),
)


def fold(text: str) -> str:
    """The text in lower case without accents; every character that is neither letter nor digit becomes a space."""
    if text.isascii():
        return text.translate(_FOLDED_ASCII)
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c if c.isalnum() else " " for c in decomposed if not unicodedata.combining(c))


def plain(text: str) -> str:
    """The text folded, in Latin letters: by anyascii, which knows all alphabets."""
    return fold(text if text.isascii() else anyascii(text))


_COMPARED = 200
"""Characters of a name that are compared, and a tenth as many words: each is looked for among those of the other name,
and anybody may send a field full of them."""


def _words(fields: Mapping[str, str]) -> list[str]:
    name = f"{fields.get('first_name', '')[:_COMPARED]} {fields.get('last_name', '')[:_COMPARED]}"
    return fold(name if name != " " else fields.get("full_name", "")[:_COMPARED]).split()[: _COMPARED // 10]


def name_of(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields that `names_agree` compares, apart from the lead that they may change in."""
    return {name: fields[name] for name in ("first_name", "last_name", "full_name") if name in fields}


def names_agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool | None:
    """Whether two names can be the same person's: each word or initial of the shorter one is in the longer one.

    None when one of them is empty.
    """
    shorter, longer = sorted((_words(one), _words(other)), key=len)
    if not shorter:
        return None
    left = list(longer)
    for word in shorter:
        same = next((w for w in left if w == word or (min(len(w), len(word)) == 1 and w[0] == word[0])), None)
        if same is None:
            return False
        left.remove(same)
    return True

"""The keys by which likely duplicates find each other: two leads are compared if they share one ("blocking").

A key is made of what two records of one person mostly have in common, and few other leads have. Each kind covers what
another misses: a name by its sound and its company, both ways round; the beginnings and the ends of both names, for
typos that change the sound; addresses and what attributes say.
"""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import product

from services.capture.rules.nicknames import forms_of
from services.capture.rules.profiles import Profile
from services.capture.rules.spelling import rough_sound

MOST_KEYS = 24
"""Keys of one profile, the most telling first; five to ten are usual."""

_MOST_FORMS = 3
_PHONE_DIGITS = 8
_COMPANY_LETTERS = 6
_SHORTEST_MAILBOX = 5
_SHORTEST_STREET = 8


def keys_of(profile: Profile) -> frozenset[int]:
    """The keys of a profile: signed 64-bit hashes, from which nothing of a person can be read."""
    texts = list(dict.fromkeys(key_texts(profile)))[:MOST_KEYS]
    return frozenset(int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True) for text in texts)


def key_texts(profile: Profile) -> Iterator[str]:
    """The keys of a profile before they are hashed; the first word says what kind of key it is."""
    given = [rough_sound(form) for word in profile.given[:2] for form in forms_of(word)[:_MOST_FORMS]]
    family = [rough_sound(word) for word in profile.family[-2:]]
    names = [*given, *family]
    yield from _address_keys(profile)
    for one, other in product(given, family):
        yield "names " + " ".join(sorted((one, other)))
    for company in _companies(profile):
        for name in names:
            yield f"company {company} {name}"
        if len(profile.local) >= _SHORTEST_MAILBOX and not names:
            yield f"company {company} {rough_sound(profile.local[1:])}"
    yield from _fact_keys(profile, names)
    if profile.given and profile.family:
        for kind, part in (("heads", slice(3)), ("tails", slice(-3, None))):
            yield f"{kind} {' '.join(sorted((profile.given[0][part], profile.family[-1][part])))}"


def _address_keys(profile: Profile) -> Iterator[str]:
    if profile.phone:
        yield f"phone {profile.phone[-_PHONE_DIGITS:]}"
    if len(profile.local) >= _SHORTEST_MAILBOX:
        yield f"mail {profile.local}"


def _companies(profile: Profile) -> list[str]:
    names = ["".join(profile.company), profile.initials, *(domain.partition(".")[0] for domain in profile.domains)]
    return sorted({name[:_COMPANY_LETTERS] for name in names} - {""})


def _fact_keys(profile: Profile, names: list[str]) -> Iterator[str]:
    facts = profile.facts
    for kind in ("number", "page"):
        for value in sorted(facts.get(kind, ())):
            yield f"{kind} {value}"
    for name in names:
        for value in sorted(facts.get("birth_date", ())):
            yield f"born {value} {name[:1]}"
        for value in sorted(facts.get("postcode", ())):
            yield f"post {value} {name}"
    for value, number in product(sorted(facts.get("street", ())), sorted(facts.get("house_number", {""}))):
        if len(value) + len(number) >= _SHORTEST_STREET:
            yield f"street {value} {number}"

"""How likely two leads are one person: evidence is weighed and added up.

The model is Fellegi and Sunter's ("A Theory for Record Linkage", 1969). A weight is the binary logarithm of how much
more often its evidence is seen in two records of one person than in those of two persons; what a lead does not have is
no evidence. docs/decisions/capture-duplicates.md says where the weights come from, and how well they do.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import log2
from typing import NamedTuple

from rapidfuzz.distance import OSA

from services.capture.rules.nicknames import are_forms_of_one_name, are_two_names
from services.capture.rules.profiles import Profile
from services.capture.rules.spelling import (
    ALIKE,
    DIFFERENT,
    ONE_LETTER,
    SAME,
    closeness,
    closeness_of_names,
    one_letter_apart,
)

PRIOR = -12.0
"""Of so many pairs that share a blocking key, as a power of two, one is the same person, if nothing is compared."""
NAMESAKE = 9.0
"""Names that weigh as much say who it is, unless many leads are called so."""

EVIDENCE: dict[str, tuple[float, str]] = {
    "given same": (5.5, "same first name"),
    "given form": (4.5, "first names are forms of one name"),
    "given one letter": (5.0, "first names differ by one letter"),
    "given alike": (3.0, "first names are alike"),
    "given initial": (2.0, "first name and initial agree"),
    "given two names": (-4.0, "first names are those of two persons"),
    "given different": (-6.0, "first names differ"),
    "family same": (7.5, "same last name"),
    "family one letter": (6.0, "last names differ by one letter"),
    "family alike": (4.0, "last names are alike"),
    "family initial": (1.5, "last name and initial agree"),
    "family different": (-5.0, "last names differ"),
    "names exchanged": (-0.5, "first and last name are exchanged"),
    "names within": (9.0, "one name is part of the other"),
    "mail fits name": (8.0, "the e-mail fits the name"),
    "phone same": (13.0, "same phone"),
    "phone one digit": (4.0, "phones differ by one digit"),
    "phone different": (-0.5, "phones differ"),
    "mail same": (14.0, "same e-mail"),
    "mail one letter": (9.0, "e-mails differ by one letter"),
    "mailbox same": (5.0, "e-mails are equal before the @"),
    "mailbox by name": (1.0, "e-mails are made of the same name"),
    "mail of colleagues": (-3.0, "two e-mails at one company"),
    "mail different": (-0.5, "e-mails differ"),
    "company same": (6.0, "same company"),
    "company domain": (6.0, "same company by domain"),
    "company alike": (4.0, "companies are alike"),
    "company different": (-3.0, "companies differ"),
    "country different": (-2.0, "countries differ"),
    "number same": (14.0, "same personal number"),
    "number one letter": (4.0, "personal numbers differ by one digit"),
    "number different": (-3.0, "personal numbers differ"),
    "page same": (14.0, "same profile page"),
    "page different": (-3.0, "profile pages differ"),
    "birth_date same": (10.0, "same date of birth"),
    "birth_date one letter": (6.0, "dates of birth differ by one digit"),
    "birth_date different": (-4.0, "dates of birth differ"),
    "postcode same": (6.0, "same postcode"),
    "postcode one letter": (3.0, "postcodes differ by one character"),
    "postcode different": (-2.0, "postcodes differ"),
    "city same": (5.0, "same town"),
    "city one letter": (4.0, "towns differ by one letter"),
    "city alike": (3.0, "towns are alike"),
    "city different": (-2.0, "towns differ"),
    "street same": (6.0, "same street"),
    "street one letter": (6.0, "streets differ by one letter"),
    "street alike": (4.0, "streets are alike"),
    "street different": (-1.5, "streets differ"),
    "house_number same": (3.0, "same house number"),
    "house_number different": (-1.0, "house numbers differ"),
    "region same": (1.0, "same region"),
    "region different": (-1.0, "regions differ"),
}
"""The weight of each kind of evidence, and what it is called for people."""

_TOGETHER = (
    (("same first name", "same last name"), "same name"),
    (("same first name", "last names differ by one letter"), "names differ by one letter"),
    (("first names differ by one letter", "same last name"), "names differ by one letter"),
    (("first names differ", "last names differ"), "names differ"),
)
"""Reasons that read better as one."""

_CLOSEST_FIRST = (SAME, "form", ONE_LETTER, ALIKE, "initial", "two names", DIFFERENT)
_FACTS = ("number", "page", "birth_date", "postcode", "city", "street", "house_number", "region")
_SHORTEST_MAIL = 8
_SHORTEST_MAILBOX = 5


class Likeness(NamedTuple):
    """`score`: how likely two leads are one person, from 0 to 1; the reasons for and against it, for people."""

    score: float
    reasons: tuple[str, ...]


def shares_address(reasons: Iterable[str]) -> bool:
    """Whether two leads have, or a submission once gave them, the same phone or e-mail."""
    return not {EVIDENCE["phone same"][1], EVIDENCE["mail same"][1]}.isdisjoint(reasons)


def likeness(ones: Sequence[Profile], others: Sequence[Profile]) -> Likeness:
    """The likeness of two leads, each with the profiles of its aliases."""
    return weigh(compare(ones, others))


def compare(ones: Sequence[Profile], others: Sequence[Profile]) -> list[str]:
    """The evidence for two leads, each with the profiles of its aliases: that of the two profiles most alike."""
    return max((evidence(one, other) for one in ones for other in others), key=_bits)


def weigh(found: Sequence[str], namesakes: int = 1) -> Likeness:
    """The likeness by evidence. `namesakes`: how many leads are called so; the more there are, the less a name says."""
    bits = PRIOR + _bits(found)
    if namesakes > 1 and are_namesakes(found):
        bits -= log2(namesakes)
    score = 1 / (1 + 2 ** -max(-60.0, min(60.0, bits)))
    reasons = [EVIDENCE[each][1] for each in found]
    for parts, whole in _TOGETHER:
        if set(parts) <= set(reasons):
            reasons = [whole, *(reason for reason in reasons if reason not in parts)]
    return Likeness(round(score, 3), tuple(reasons))


def are_namesakes(found: Iterable[str]) -> bool:
    """Whether the evidence is that two leads have the same first and last name, or nearly."""
    return _bits(each for each in found if each.startswith(("given", "family", "names"))) >= NAMESAKE


def _bits(found: Iterable[str]) -> float:
    return sum(EVIDENCE[each][0] for each in found)


def evidence(one: Profile, other: Profile) -> list[str]:
    """What speaks for and against the two being one person: keys of EVIDENCE."""
    names = _names(one, other)
    return [*names, *_phones(one, other), *_mails(one, other, names), *_company(one, other), *_facts(one, other)]


def _names(one: Profile, other: Profile) -> list[str]:
    """Given and family names as they stand, or exchanged, or as parts of a longer name: whatever speaks more for it."""
    if _fits(one, other) or _fits(other, one):
        return ["mail fits name"]
    found = _pairs_of_names(one, other.given, other.family)
    if _doubtful(found):
        if (one.given and other.family) or (one.family and other.given):
            first, second = sorted((one, other), key=lambda profile: (profile.given, profile.family))
            found = max(found, ["names exchanged", *_pairs_of_names(first, second.family, second.given)], key=_bits)
        mine, others = (*one.given, *one.family), (*other.given, *other.family)
        if min(len(mine), len(others)) >= 2 and len(mine) != len(others) and _part(mine, others) in (SAME, "form"):
            found = max(found, ["names within"], key=_bits)
    return found


def _doubtful(found: Iterable[str]) -> bool:
    return any(each.endswith(("different", "two names", "initial")) for each in found)


def _pairs_of_names(one: Profile, given: tuple[str, ...], family: tuple[str, ...]) -> list[str]:
    found = []
    if one.given and given:
        found.append(f"given {_part(one.given, given)}")
    if one.family and family:
        level = _part(one.family, family)
        found.append(f"family {level if level not in ('form', 'two names') else closeness(one.family[0], family[0])}")
    return found


def _part(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    """How close two names of several words are: as one word, or each word of the shorter one by its nearest."""
    found = _words("".join(one), "".join(other))
    if len(one) + len(other) > 2 and found != SAME:
        shorter, longer = sorted((one, other), key=len)
        nearest = [min((_words(word, each) for each in longer), key=_CLOSEST_FIRST.index) for word in shorter]
        found = min(found, max(nearest, key=_CLOSEST_FIRST.index), key=_CLOSEST_FIRST.index)
    return found


def _words(one: str, other: str) -> str:
    if one == other:
        return SAME
    if 1 in (len(one), len(other)):
        return "initial" if one[0] == other[0] else DIFFERENT
    if are_forms_of_one_name(one, other):
        return "form"
    shorter, longer = sorted((one, other), key=len)
    close = ALIKE if len(shorter) == 3 and longer.startswith(shorter) else closeness_of_names(one, other)
    return "two names" if close is not DIFFERENT and are_two_names(one, other) else close


def _fits(one: Profile, other: Profile) -> bool:
    """Whether the e-mail of a lead without a name is made of the other's name, such as `alovelace`."""
    if one.given or one.family or not (one.local and other.given and other.family):
        return False
    given, family = other.given[0], other.family[-1]
    return one.local in {given + family, family + given, given[0] + family, family + given[0], given + family[0]}


def _phones(one: Profile, other: Profile) -> Iterator[str]:
    if not (one.phone and other.phone):
        return
    if one.phone == other.phone:
        yield "phone same"
    # The last digits of a company's phones are its desks.
    elif one.phone[:-2] != other.phone[:-2] and OSA.distance(one.phone, other.phone, score_cutoff=1) == 1:
        yield "phone one digit"
    else:
        yield "phone different"


def _mails(one: Profile, other: Profile, names: Sequence[str]) -> Iterator[str]:
    if not (one.email and other.email):
        return
    other_person = not {"given different", "given two names", "family different"}.isdisjoint(names)
    close = len(one.email) >= _SHORTEST_MAIL and not other_person and one_letter_apart(one.email, other.email)
    if one.email == other.email:
        yield "mail same"
    elif close:
        yield "mail one letter"
    elif one.local == other.local and len(one.local) >= _SHORTEST_MAILBOX:
        by_name = any(OSA.distance(one.local, name, score_cutoff=1) <= 1 for name in _made_of(one) | _made_of(other))
        yield "mailbox by name" if by_name else "mailbox same"
    else:
        yield "mail of colleagues" if one.domains & other.domains else "mail different"


def _made_of(profile: Profile) -> set[str]:
    given, family = "".join(profile.given), "".join(profile.family)
    return {given, family, given + family, family + given, given[:1] + family, family + given[:1]}


def _company(one: Profile, other: Profile) -> Iterator[str]:
    if one.country and other.country and one.country != other.country:
        yield "country different"
    if one.company and one.company == other.company:
        yield "company same"
    elif one.domains & other.domains or _is_domain(one, other) or _is_domain(other, one):
        yield "company domain"
    elif one.company and other.company:
        yield "company alike" if _companies_alike(one, other) else "company different"
    elif one.domains and other.domains:
        yield "company different"


def _companies_alike(one: Profile, other: Profile) -> bool:
    """Whether one name is the beginning, the initials or another spelling of the other, word by word."""
    mine, others = "".join(one.company), "".join(other.company)
    if mine == other.initials or others == one.initials or one_letter_apart(mine, others):
        return True
    shorter, longer = sorted((one.company, other.company), key=len)
    return all(_same_word(word, of_longer) for word, of_longer in zip(shorter, longer, strict=False))


def _same_word(one: str, other: str) -> bool:
    """Whether two words of companies are one, be it abbreviated or with a letter typed wrongly."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < 3:
        return one == other
    beginning = shorter[:3] if len(shorter) == 4 else shorter
    return longer.startswith(beginning) or one_letter_apart(one, other)


def _is_domain(one: Profile, other: Profile) -> bool:
    name = "".join(one.company)
    return len(name) >= 3 and any(domain.partition(".")[0].replace("-", "") == name for domain in other.domains)


def _facts(one: Profile, other: Profile) -> Iterator[str]:
    for kind in _FACTS:
        mine, others = one.facts.get(kind), other.facts.get(kind)
        if not (mine and others):
            continue
        level = SAME
        if mine.isdisjoint(others):
            level = min((closeness(a, b) for a in mine for b in others), key=_CLOSEST_FIRST.index)
        yield f"{kind} {level}" if f"{kind} {level}" in EVIDENCE else f"{kind} {DIFFERENT}"

"""What is compared of a lead: its names, company, addresses and the like, in a form that likenesses show in."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.capture.rules.contact import spellings_of
from services.capture.rules.names import plain
from services.capture.rules.person_words import LEGAL_FORMS, PARTICLES, TITLES, kind_of
from shared.mail_addresses import is_free, is_role_mailbox, registrable

MAX_TEXT = 200
"""Characters of a value that are compared: no name is longer, and comparing costs the square."""
_MOST_WORDS = 6
_APOSTROPHES = re.compile("['’`´]")


@dataclass(frozen=True, slots=True)
class Profile:
    """One lead as it is compared. All texts are folded; what the lead does not have is empty."""

    given: tuple[str, ...] = ()
    family: tuple[str, ...] = ()
    guessed: bool = False
    """Whether the names are read from the e-mail, for want of others."""
    company: tuple[str, ...] = ()
    """The words of its name, without legal forms and articles."""
    initials: str = ""
    """Those of the company's words."""
    domains: frozenset[str] = frozenset()
    """Registrable domains of the company: of the website, and of an e-mail that is not at a free provider."""
    email: str = ""
    local: str = ""
    """The e-mail before the @, without dots and tags; empty for the mailbox of a role."""
    phone: str = ""
    country: str = ""
    facts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Values of attributes by kind (`person_words.kind_of`)."""


_COMPARED = frozenset({"first_name", "last_name", "full_name", "company", "website", "email", "phone", "country"})


def is_compared(changed: Iterable[str]) -> bool:
    """Whether a change of these fields (as the rules name them) may change a lead's profile."""
    return any(name in _COMPARED or kind_of(name.partition("attributes.")[2]) for name in changed)


def profile_of(fields: Mapping[str, str], attributes: Mapping[str, Any]) -> Profile:
    """The profile of a lead with these fields and attributes."""
    given, family = _names(fields)
    email = fields.get("email", "").lower()
    local, _, host = email.partition("@")
    local = local.partition("+")[0]
    role = is_role_mailbox(email)
    guessed = not (given or family or role)
    if guessed:
        given, family = _names_in(local)
    company = _company_words(fields.get("company", ""))
    hosts = [] if not host or is_free(host) else [host]
    website = fields.get("website", "").partition("://")[2].partition("/")[0].partition(":")[0]
    hosts += [website] if website else []
    return Profile(
        given=given,
        family=family,
        guessed=guessed,
        company=company,
        initials="".join(word[0] for word in company) if len(company) > 1 else "",
        domains=frozenset(map(registrable, hosts)),
        email=email,
        local="" if role else "".join(plain(local).split()),
        phone=min(spellings_of(fields["phone"])) if "phone" in fields else "",
        country=fields.get("country", ""),
        facts=_facts(attributes),
    )


def _words(text: str) -> list[str]:
    return plain(_APOSTROPHES.sub("", text[:MAX_TEXT])).split()[:_MOST_WORDS]


def _name_words(text: str) -> tuple[str, ...]:
    words = [word for word in _words(text) if word not in TITLES]
    return tuple(word for word in words if word not in PARTICLES) or tuple(words)


def _names(fields: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Given and family names; of a full name the last word is the family name, or what stands before a comma."""
    given, family = _name_words(fields.get("first_name", "")), _name_words(fields.get("last_name", ""))
    if given or family:
        return given, family
    full = fields.get("full_name", "")[:MAX_TEXT]
    before, comma, after = full.partition(",")
    if comma and _name_words(after):
        return _name_words(after), _name_words(before)
    words = _name_words(full)
    return (words, ()) if len(words) == 1 else (words[:-1], words[-1:])


def _names_in(local: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that an e-mail's local part seems to be made of: `ada.lovelace7`; none where it is one word."""
    words = [word for part in re.split(r"[._-]", local) if (word := plain(part).strip().rstrip("0123456789"))]
    return ((words[0],), (words[-1],)) if len(words) in (2, 3) else ((), ())


def _company_words(text: str) -> tuple[str, ...]:
    words = _words(text.replace("&", " "))
    spelled = " ".join(words)
    for form in ("s p a", "s r l", "s a", "b v", "n v", "e k", "e v", "s l", "z o o", "a s", "g m b h", "l l c"):
        spelled = spelled.removesuffix(f" {form}")
    return tuple(word for word in spelled.split() if word not in LEGAL_FORMS) or tuple(words)


def _facts(attributes: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    facts: dict[str, set[str]] = {}
    for name, value in attributes.items():
        kind = kind_of(name) if isinstance(value, str | int) and not isinstance(value, bool) else None
        if kind is not None and (text := _READERS.get(kind, _joined)(str(value)[:MAX_TEXT])):
            facts.setdefault(kind, set()).add(text)
    return {kind: frozenset(values) for kind, values in facts.items()}


def _joined(text: str) -> str:
    return "".join(_words(text))


def _birth_date(text: str) -> str:
    """Eight digits, year first; of an ambiguous order the day comes first, as most of the world writes it."""
    digits = re.sub(r"\D", "", text.partition("T")[0])
    if len(digits) == 8 and digits[:2] not in ("19", "20") and digits[4:6] in ("19", "20"):
        return digits[4:] + digits[2:4] + digits[:2]
    return digits if len(digits) == 8 else ""


def _page(text: str) -> str:
    return "".join(plain(text.lower().partition("://")[2] or text.lower()).removeprefix("www ").split())


_READERS = {"birth_date": _birth_date, "page": _page}

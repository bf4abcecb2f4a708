"""Whether what is kept as it arrived is about a person: rows of imports, deliveries of webhooks, dead letters.

An e-mail counts where it stands as a whole: `lee@acme.com` is no part of `ashlee@acme.com`. A phone may belong to a
desk or a switchboard, so it counts only where no other e-mail stands beside it, and where another lead has it too,
only beside the person's name.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

import idna

from services.capture.rules.contact import spellings_of
from services.capture.rules.lead import Lead
from services.capture.rules.names import NAME_FIELDS, fold, names_agree

_DIGITS = 9
"""The last digits of a longer national number by which it is found: those before them are written in many ways."""
_ADDRESS = re.compile(r"[\w.+-]@[\w-]")
_NUMBER = re.compile(r"(?<!\d)\+?\d(?:[^\w@,;:|\"'<>{}\[\]+]{0,3}\d){4,19}(?!\d)")
_NO_DIGIT = re.compile(r"\D+")
_FORM = re.compile(r"[^\s=\"{}<>]{1,200}=[^\s\"{}<>]*")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_NO_ADDRESS_BEFORE = frozenset("._+-")


class Phone(NamedTuple):
    """A phone of the person in E.164, its national number, and whether another lead has it too."""

    number: str
    national: str
    shared: bool

    def is_digits(self, digits: str) -> bool:
        """Whether digits are this number, with or without its calling code and what is dialled before it."""
        end = self.national[-_DIGITS:]
        if not digits.endswith(end) or len(digits) > len(self.number) + 3:
            return False
        before, calling_code = digits[: -len(end)], self.number[1 : -len(self.national)]
        return len(self.national) > _DIGITS or len(before) <= 1 or calling_code in before

    def is_in(self, text: str) -> bool:
        """Whether a text has this number, however it is written. Most numbers are passed over at a glance."""
        end = self.national[-_DIGITS:]
        written = (match[0] for match in _NUMBER.finditer(text) if end in _NO_DIGIT.sub("", match[0]))
        return any(self.is_digits(number) for each in written for number in _numbers_in(each))


@dataclass(frozen=True, slots=True)
class Person:
    """By what a person is known: the e-mails and phones of their leads, and the names."""

    leads: Sequence[Lead]
    emails: frozenset[str]
    phones: Sequence[Phone]

    def is_row(self, fields: Mapping[str, str]) -> bool | None:
        """Whether a row of an import with these contact details is about the person; None if it has no address."""
        if "email" in fields:
            return fields["email"] in self.emails
        if "phone" not in fields:
            return None
        spellings = spellings_of(fields["phone"])
        agree = [names_agree(lead.fields, fields) for lead in self.leads]
        return any(
            phone.number in spellings and (True in agree if phone.shared else agree.count(False) < len(agree))
            for phone in self.phones
        )

    def is_in(self, content: bytes) -> bool:
        """Whether bytes are about the person: text, JSON or a form."""
        text = readable(content)
        if any(_stands_in(email, text) for email in self.emails):
            return True
        if _ADDRESS.search(text):
            return False
        found = [phone for phone in self.phones if phone.is_in(text)]
        return any(not phone.shared for phone in found) or (bool(found) and self._is_named_in(text))

    def _is_named_in(self, text: str) -> bool:
        words = set(fold(text).split())
        names = (lead.fields.get(name, "") for lead in self.leads for name in NAME_FIELDS)
        return any(word in words for name in names for word in fold(name).split() if len(word) > 1)


def readable(content: bytes) -> str:
    """Bytes as text in lower case, without the escapes of JSON or of a form."""
    text = content.decode(errors="replace")
    text = unquote_plus(text) if _FORM.fullmatch(text) else _ESCAPE.sub(_unescaped, text)
    return text.lower()


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    return " " if escape[2] in "nrtbf" else escape[2]


def _stands_in(email: str, text: str) -> bool:
    """Whether an e-mail is in a text, and is no part of a longer one."""
    at = text.find(email)
    while at >= 0:
        before, after = text[max(0, at - 2) : at], text[at + len(email) : at + len(email) + 2]
        longer = before[-1:].isalnum() or before[-1:] in _NO_ADDRESS_BEFORE
        longer = longer or (before[-1:] == "'" and before[:1].isalnum())
        longer = longer or after[:1].isalnum() or after[:1] in ("-", "_") or (after[:1] == "." and after[1:].isalnum())
        if not longer:
            return True
        at = text.find(email, at + 1)
    return False


def _numbers_in(text: str) -> Iterator[str]:
    """The digits of a text as one number, and, unless it begins with a calling code, of its parts as numbers too."""
    groups = re.findall(r"\d+", text)
    for first in range(1 if text.startswith("+") else len(groups)):
        for last in range(first, len(groups)):
            yield "".join(groups[first : last + 1])


def without_items(content: bytes, person: Person) -> tuple[bytes | None, bytes]:
    """What of a kept body is not about the person, None if nothing is, and what is.

    Only a list of items, of which others are about other people, is divided.
    """
    theirs: list[Any] = []
    try:
        left = json.dumps(_divide(json.loads(content), person, theirs)).encode()
    except (ValueError, RecursionError):  # no JSON, or nested so deeply that nobody reads it
        return None, content
    if not theirs or person.is_in(left):
        return None, content
    return left, json.dumps(theirs).encode()


def _divide(value: Any, person: Person, theirs: list[Any]) -> Any:
    """The value without the items about the person, which are added to `theirs`."""
    if isinstance(value, dict):
        return {name: _divide(one, person, theirs) for name, one in value.items()}
    if not isinstance(value, list):
        return value
    about = [isinstance(one, dict | list) and person.is_in(json.dumps(one).encode()) for one in value]
    others = [one for one, is_about in zip(value, about, strict=True) if not is_about]
    if any(about) and any(_ADDRESS.search(json.dumps(one)) for one in others):
        theirs += [one for one, is_about in zip(value, about, strict=True) if is_about]
        return others
    return [_divide(one, person, theirs) for one in value]


def spellings_of_domain(email: str) -> Collection[str]:
    """An e-mail as it may be written: its domain in Unicode, and in ASCII (RFC 5890)."""
    local, _, domain = email.rpartition("@")
    try:
        return {email, f"{local}@{idna.encode(domain, uts46=True).decode()}"}
    except UnicodeError:
        return {email}  # a domain that has no such form was never written in it

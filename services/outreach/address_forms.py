"""The spellings of an address: as people, providers, DNS and SMTP write it, and the one by which it is known here."""

import re
from unicodedata import normalize

import phonenumbers
from email_validator import EmailNotValidError, ValidatedEmail, validate_email


def read_address(text: str) -> str:
    """The mail address that a person gave, as capture keeps it: alone, in lower case, its domain in Unicode.

    A name before it and `mailto:` are left out. ValueError for what capture would not take.
    """
    try:
        found = validate_email(
            text.strip().removeprefix("mailto:"),
            check_deliverability=False,
            allow_display_name=True,
            test_environment=True,
        )
    except EmailNotValidError:
        raise ValueError("is no mail address") from None
    return found.normalized.lower()


def read_domain(text: str) -> str:
    """The mail domain that a person gave, in lower case and in Unicode. ValueError for what is none."""
    domain = text.strip().removeprefix("@")
    if any(sign in domain for sign in "@<>"):
        raise ValueError("is no mail domain")
    try:
        return read_address(f"x@{domain}").removeprefix("x@")
    except ValueError:
        raise ValueError("is no mail domain") from None


def read_phone(text: str) -> str:
    """The telephone number that was given with `+` and its country code, as capture keeps it: in E.164.

    ValueError for what is none.
    """
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise ValueError("is no phone number with its country code") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError("is no possible phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def sms_sender(text: str) -> str:
    """Whom an SMS is from, as a provider or its adapter writes it: a number in E.164, also where it lacks the `+`.

    Short codes and names stay as they are, without blanks: neither begins with a country code.
    """
    bare = re.sub(r"[\s().\-/]", "", text)
    international = f"+{bare.removeprefix('00')}" if bare.isdecimal() and len(bare) > _LONGEST_SHORT_CODE else text
    try:
        return read_phone(international)
    except ValueError:
        return text.replace(" ", "")


_LONGEST_SHORT_CODE = 8
"""Digits. A number of a mobile phone has more, with its country code."""


def known_address(address: str) -> str:
    """The one spelling of an address: that of `read_address`, whichever a mail or an event has.

    Capture keeps the domain in Unicode (`bücher.de`), and mail has its A-labels (`xn--bcher-kva.de`, RFC 5890).
    A telephone number is taken to be in E.164 already. It, and what cannot be read, is only stripped and put in lower
    case.
    """
    local, at, domain = address.strip().lower().rpartition("@")
    return f"{normalize('NFC', local)}@{known_domain(domain)}" if at else domain


def known_domain(domain: str) -> str:
    """The one spelling of a mail domain: in lower case and in Unicode."""
    domain = domain.strip().lower().removeprefix("@")
    if domain.isascii() and "xn--" not in domain:
        return domain
    try:
        return _parsed(domain).domain
    except EmailNotValidError:
        return domain


def ascii_domain(address: str) -> str | None:
    """The domain of a mail address in the form of DNS and SMTP (A-labels, RFC 5890); None when it has none."""
    domain = address.rpartition("@")[2]
    if domain.isascii():
        return domain
    try:
        return _parsed(domain).ascii_domain
    except EmailNotValidError:
        return None


def on_the_wire(address: str) -> str:
    """A mail address in the form for servers and headers: `xn--bcher-kva.de` for `bücher.de`, which people approve.

    A local part beyond ASCII stays as it is: it needs a server with SMTPUTF8 (RFC 6531).
    """
    return f"{address.rpartition('@')[0]}@{ascii_domain(address)}"


def _parsed(domain: str) -> ValidatedEmail:
    return validate_email(f"x@{domain}", check_deliverability=False, globally_deliverable=False)

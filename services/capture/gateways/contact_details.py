"""Libraries for contact details: e-mail syntax, numbering plans, country names, time zones. No network."""

import re
from functools import lru_cache
from zoneinfo import available_timezones

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from services.capture.rules.contact import Phone
from shared.countries import country_code

_FICTION = {"+1555": True, "+447700900": True, "+441632960": False, "+442079460": False, "+61491570": True}
"""Prefixes of numbers reserved for fiction, and whether they count as mobiles. They are valid, as mail domains ending
in .example are, so that demos can use them. Sources: the lists of Ofcom (+44) and ACMA (+61) of numbers for drama."""
_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.PAGER)

_SHORTENED = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+")
"""A number in the scientific notation of spreadsheets: 4.91602E+11."""
_DECIMALS = re.compile(r"(?<=\d{6})[.,]0+\Z")
"""What a spreadsheet, or a column of numbers, adds to whole numbers."""

_PLAIN_EMAIL = re.compile(r"(?=[^@]{1,64}@)(?=.{6,254}\Z)[a-z0-9_+-]+(\.[a-z0-9_+-]+)*@[a-z0-9.-]+\Z")
"""The form of nearly all addresses. Only their domain is left to check, and a cache knows most domains."""


@lru_cache(maxsize=20_000)
def _is_domain(domain: str) -> bool:
    try:
        found = validate_email(f"somebody@{domain}", check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return found.domain == domain


class OfflineContactNormaliser:
    """The `rules.contact.ContactNormaliser` of production, made of libraries that need no network.

    `default_region` (ISO 3166 alpha-2, or "") is the country of a national phone number whose lead names none.
    """

    def __init__(self, default_region: str = "") -> None:
        self._region = default_region.upper() or None

    def email(self, text: str) -> str:
        """The address in lower case: people compare addresses so, and mail servers treat them so."""
        plain = text.lower()
        if _PLAIN_EMAIL.match(plain) and _is_domain(plain.partition("@")[2]):
            return plain
        try:
            found = validate_email(
                text.removeprefix("mailto:"), check_deliverability=False, allow_display_name=True, test_environment=True
            )
        except EmailNotValidError as error:
            raise ValueError(_message_of(str(error))) from None
        return found.normalized.lower()

    def phone(self, text: str, country: str | None) -> Phone:
        """The number in E.164. A national number is read with the country, or (None) with the default region.

        Spreadsheets drop the plus of a number. So where the digits begin with the country's own calling code, the
        number is read both ways: the valid one counts, then the one that is a mobile, then the national one with a
        doubt.
        """
        if _SHORTENED.fullmatch(text):
            raise ValueError("was shortened by a spreadsheet, and its last digits are lost")
        text = _DECIMALS.sub("", text)
        region = self._region if country is None else country or None
        national, failure = self._read(text, region)
        digits = re.sub(r"\D", "", text)
        if text.startswith("+") or not digits:
            pass
        elif digits.startswith("00") and national is None:
            national, _ = self._read(f"+{digits[2:]}", None)
        elif region and digits.startswith(str(phonenumbers.country_code_for_region(region))):
            international, _ = self._read(f"+{digits}", None)
            national = _likelier(national, international)
        if national is None:
            raise ValueError(failure)
        return national

    def national_number(self, phone: str) -> str:
        """The digits of a number in E.164 without its country's calling code."""
        return phonenumbers.national_significant_number(phonenumbers.parse(phone, None))

    def _read(self, text: str, region: str | None) -> tuple[Phone | None, str]:
        """The number that a text is when read with this region, or why it is none."""
        try:
            number = phonenumbers.parse(text, region)
        except NumberParseException as error:
            if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and region is None:
                return None, "needs its country: write it with +, or give the lead's country"
            return None, "is not a phone number"
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        if e164.startswith(tuple(_FICTION)) and phonenumbers.is_possible_number(number):
            return Phone(
                e164, mobile=any(mobile and e164.startswith(prefix) for prefix, mobile in _FICTION.items())
            ), ""
        kind = phonenumbers.number_type(number)
        if kind == PhoneNumberType.UNKNOWN and (present := _present_form(e164)) is not None:
            e164, kind = present
        if kind == PhoneNumberType.UNKNOWN:
            return None, "is not a number of its country's numbering plan"
        return Phone(e164, mobile=kind in _MOBILE), ""

    def country(self, text: str) -> str:
        """ISO 3166 alpha-2, from an ISO code or from the country's name in any of some thirty languages."""
        code = country_code(text)
        if code is None:
            raise ValueError("is not a known country; write its two-letter ISO code")
        return code

    def timezone(self, text: str) -> str:
        """The name of the time zone in the IANA database, from any spelling of its letters' case."""
        name = _zones().get(text.casefold().replace(" ", "_"))
        if name is None:
            raise ValueError("is not an IANA time zone, such as Europe/Berlin")
        return name


def _likelier(national: Phone | None, international: Phone | None) -> Phone | None:
    """Which reading of a number that begins with its country's calling code was meant."""
    if national is None or international is None or national.number == international.number:
        return national or international
    if national.mobile != international.mobile:
        return national if national.mobile else international
    return national._replace(
        doubt="begins with the calling code of its country and was read as a number within the country; "
        "write it with + if the code is a part of it"
    )


_OLD_FORMS = (
    # Mexico dropped the 1, 044 and 045 before mobile numbers in August 2019 (IFT, plan técnico de numeración).
    (re.compile(r"\+52(?:1|044|045)(\d{10})"), r"+52\1"),
    # Brazil put a ninth digit before all mobile numbers by November 2016 (Anatel, resolução 553/2010).
    (re.compile(r"\+55([1-9]\d)([6-9]\d{7})"), r"+55\g<1>9\2"),
)


def _present_form(e164: str) -> tuple[str, int] | None:
    """The number as it is dialled today, and its type, of one in a form that its country has given up; or None."""
    for pattern, form in _OLD_FORMS:
        if pattern.fullmatch(e164):
            present = pattern.sub(form, e164)
            return present, phonenumbers.number_type(phonenumbers.parse(present, None))
    return None


def _message_of(message: str) -> str:
    """The library's sentence with a lower-case beginning. Its sentences on syntax do not repeat the address."""
    return message[:1].lower() + message[1:].rstrip(".")


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}

"""What the world knows of addresses: e-mail syntax, numbering plans, country names, time zones. No network."""

import re
from functools import lru_cache
from zoneinfo import available_timezones

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType
from phonenumbers.geodata.locale import LOCALE_DATA

from services.capture.rules.contact import Phone, clean

_FICTION = {"+1555": True, "+447700900": True, "+441632960": False, "+442079460": False, "+61491570": True}
"""Numbers set aside for examples and films, and whether they pass for mobiles: taken like mail domains ending in
.example, so that demos can use them."""
_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.PAGER)


_PLAIN_EMAIL = re.compile(r"(?=[^@]{1,64}@)(?=.{6,254}\Z)[a-z0-9_+-]+(\.[a-z0-9_+-]+)*@[a-z0-9.-]+\Z")
"""The form that nearly all addresses have; of them only the domain is in question, and few domains have many people."""


@lru_cache(maxsize=20_000)
def _is_domain(domain: str) -> bool:
    try:
        found = validate_email(f"somebody@{domain}", check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return found.domain == domain


class Addresses:
    """Reads addresses as `rules.contact.Readers` asks for them.

    `default_region` (ISO 3166 alpha-2, or "") is where a national phone number lies if the lead names no country.
    """

    def __init__(self, default_region: str = "") -> None:
        self._region = default_region.upper() or None

    def email(self, text: str) -> str:
        """Lower case throughout: that is how people compare addresses, and how mail servers treat them."""
        plain = text.lower()
        if _PLAIN_EMAIL.match(plain) and _is_domain(plain.partition("@")[2]):
            return plain
        try:
            found = validate_email(
                text.removeprefix("mailto:"), check_deliverability=False, allow_display_name=True, test_environment=True
            )
        except EmailNotValidError as error:
            raise ValueError(_without_address(str(error))) from None
        return found.normalized.lower()

    def phone(self, text: str, country: str | None) -> Phone:
        region = country or self._region
        if text.startswith("00") and region is None:
            text = f"+{text[2:]}"
        try:
            number = phonenumbers.parse(text, region)
        except NumberParseException as error:
            if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and region is None:
                raise ValueError("needs its country: write it with +, or give the lead's country") from None
            raise ValueError("is not a phone number") from None
        written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        if written.startswith(tuple(_FICTION)) and phonenumbers.is_possible_number(number):
            return Phone(
                written, mobile=any(mobile and written.startswith(start) for start, mobile in _FICTION.items())
            )
        kind = phonenumbers.number_type(number)
        if kind == PhoneNumberType.UNKNOWN:
            raise ValueError("is not a number of its country's numbering plan")
        return Phone(written, mobile=kind in _MOBILE)

    def country(self, text: str) -> str:
        """ISO 3166 alpha-2, from the code or from the country's name in any of some thirty languages."""
        if len(text) == 2 and text.isascii() and text.upper() in phonenumbers.SUPPORTED_REGIONS:
            return text.upper()
        code = _country_names().get(_plain(text))
        if code is None:
            raise ValueError("is no country that is known here; write its ISO code of two letters")
        return code

    def timezone(self, text: str) -> str:
        name = _zones().get(text.casefold().replace(" ", "_"))
        if name is None:
            raise ValueError("is no IANA time zone such as Europe/Berlin")
        return name


def _without_address(message: str) -> str:
    """The library's sentence, lower case; none of those for syntax repeats the address itself."""
    return message[:1].lower() + message[1:].rstrip(".")


def _plain(text: str) -> str:
    return clean(text).casefold().replace(".", "")


_SHORT = {"uk": "GB", "usa": "US", "uae": "AE", "england": "GB", "scotland": "GB", "wales": "GB", "great britain": "GB"}


@lru_cache(maxsize=1)
def _country_names() -> dict[str, str]:
    names = {
        _plain(name): code
        for code, names in LOCALE_DATA.items()
        for name in names.values()
        if not name.startswith("*") and code in phonenumbers.SUPPORTED_REGIONS
    }
    return names | _SHORT


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}

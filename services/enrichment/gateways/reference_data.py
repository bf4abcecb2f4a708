"""Reference data from libraries: phone numbering plans, countries, time zones. Nothing here uses a network."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from zoneinfo import available_timezones

import phonenumbers
from phonenumbers import PhoneNumberType
from phonenumbers import timezone as phone_zones

from services.enrichment.rules.facts import FACT_FIELDS, Phone, Subject
from shared.countries import country_code, time_zone_rows

_PHONE_TYPES = {
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium_rate",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company",
    PhoneNumberType.VOICEMAIL: "voicemail",
}

_PRINCIPAL_ZONES = {
    "AR": "America/Argentina/Buenos_Aires",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "KZ": "Asia/Almaty",
    "MN": "Asia/Ulaanbaatar",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PG": "Pacific/Port_Moresby",
    "PS": "Asia/Gaza",
    "PT": "Europe/Lisbon",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}
"""Countries with several time zones where (nearly) all people use the same one."""


def subject_of(fields: Mapping[str, str]) -> Subject:
    """A lead's contact fields with the reference data about its phone and country."""
    return Subject(
        fields={name: fields[name] for name in FACT_FIELDS if fields.get(name)},
        phone=phone_of(fields.get("phone")),
        country_code=country_code(fields.get("country")),
        zones=zones(),
    )


def phone_of(number: str | None) -> Phone | None:
    """What the numbering plan knows about a number in international form; None if it is not such a number."""
    if not number:
        return None
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    timezones = tuple(
        zone for zone in phone_zones.time_zones_for_number(parsed) if zone != phone_zones.UNKNOWN_TIMEZONE
    )
    region = phonenumbers.region_code_for_number(parsed)
    return Phone(
        # Numbers that belong to no country, such as +800, have the region 001.
        country=region if region and region.isalpha() else None,
        type=_PHONE_TYPES.get(phonenumbers.number_type(parsed)),
        timezones=timezones,
    )


def zone_name(text: str) -> str | None:
    """The name of a time zone in the IANA database, from any spelling of its letters' case; None if it is unknown."""
    return _zone_names().get(text.strip().casefold().replace(" ", "_"))


@cache
def _zone_names() -> Mapping[str, str]:
    return MappingProxyType({name.casefold(): name for name in available_timezones()})


@cache
def zones() -> Mapping[str, str]:
    """The time zone of each country where (nearly) all people use the same one, by ISO 3166 code."""
    found: dict[str, list[str]] = {}
    for code, _, zone, *_ in time_zone_rows("zone.tab"):
        found.setdefault(code, []).append(zone)
    single = {code: names[0] for code, names in found.items() if len(names) == 1}
    return MappingProxyType(single | _PRINCIPAL_ZONES)

"""Countries as people write them: by code, or by name in some thirty languages. Nothing here uses a network."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import MappingProxyType

import phonenumbers
from anyascii import anyascii
from holidays.registry import COUNTRIES

from shared.text import clean

_OTHER_NAMES = {
    "america": "US",
    "bolivia, plurinational state of": "BO",
    "bosnia": "BA",
    "britain": "GB",
    "brunei darussalam": "BN",
    "burma": "MM",
    "cape verde": "CV",
    "cesko": "CZ",
    "congo, democratic republic of the": "CD",
    "congo, the democratic republic of the": "CD",
    "czech republic": "CZ",
    "czechia": "CZ",
    "democratic republic of the congo": "CD",
    "dr congo": "CD",
    "drc": "CD",
    "england": "GB",
    "estados unidos de america": "US",
    "eswatini": "SZ",
    "great britain": "GB",
    "grossbritannien": "GB",
    "holland": "NL",
    "holy see": "VA",
    "holy see (vatican city state)": "VA",
    "hong kong sar": "HK",
    "iran, islamic republic of": "IR",
    "islamic republic of iran": "IR",
    "ivory coast": "CI",
    "korea, democratic peoples republic of": "KP",
    "korea, republic of": "KR",
    "kosova": "XK",
    "kosovo": "XK",
    "lao peoples democratic republic": "LA",
    "macedonia": "MK",
    "micronesia, federated states of": "FM",
    "moldova, republic of": "MD",
    "north korea": "KP",
    "northern ireland": "GB",
    "oesterreich": "AT",
    "paises bajos": "NL",
    "palestine, state of": "PS",
    "peoples republic of china": "CN",
    "prc": "CN",
    "republic of ireland": "IE",
    "republic of korea": "KR",
    "republic of moldova": "MD",
    "russian federation": "RU",
    "scotland": "GB",
    "slovak republic": "SK",
    "slovensko": "SK",
    "south korea": "KR",
    "srbija": "RS",
    "swaziland": "SZ",
    "syrian arab republic": "SY",
    "taiwan, province of china": "TW",
    "tanzania, united republic of": "TZ",
    "the bahamas": "BS",
    "the gambia": "GM",
    "the netherlands": "NL",
    "tschechien": "CZ",
    "turkiye": "TR",
    "uae": "AE",
    "uk": "GB",
    "united kingdom of great britain and northern ireland": "GB",
    "united republic of tanzania": "TZ",
    "united states of america": "US",
    "venezuela, bolivarian republic of": "VE",
    "vereinigte staaten": "US",
    "vereinigte staaten von amerika": "US",
    "viet nam": "VN",
    "virgin islands, british": "VG",
    "virgin islands, us": "VI",
    "wales": "GB",
}
"""What people write besides the names that Unicode and ISO 3166 have."""


def country_code(text: str | None) -> str | None:
    """The ISO 3166 alpha-2 code of a country that is given by an ISO code, or by its name; None if it is unknown."""
    name = _folded(text or "")
    return _codes().get(name) or _codes().get(_latin(name))


@cache
def _codes() -> Mapping[str, str]:
    names = {_folded(name): code for name, code in (*_names(), *_english_names()) if code in _KNOWN}
    plain = {latin: code for name, code in names.items() if len(latin := _latin(name)) > 2}
    alpha_3 = {_folded(name): code for name, code in _alpha_3() if code in _KNOWN}
    # Codes last: Nga is Russia in Vietnamese, and NGA Nigeria everywhere.
    return MappingProxyType(plain | names | _OTHER_NAMES | alpha_3 | {code.lower(): code for code in _KNOWN})


_KNOWN: frozenset[str] = frozenset(phonenumbers.SUPPORTED_REGIONS)


def _alpha_3() -> Iterator[tuple[str, str]]:
    """The list of the library has some codes that are not those of ISO 3166."""
    for _, alpha_2, alpha_3, *_ in COUNTRIES.values():
        yield alpha_3, alpha_2
    yield from (("BHR", "BH"), ("BGR", "BG"), ("GTM", "GT"), ("MAR", "MA"), ("SWZ", "SZ"), ("VUT", "VU"), ("XKX", "XK"))


def _names() -> Iterator[tuple[str, str]]:
    """Those of Unicode in libphonenumber. Importing them the usual way loads its geocoder too, which takes 100 MB."""
    file = Path(phonenumbers.__file__).with_name("geodata") / "locale.py"
    spec = spec_from_file_location("phonenumbers.geodata.locale", file)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    for code, names in module.LOCALE_DATA.items():
        yield from ((name, code) for name in names.values() if not name.startswith("*"))


def _english_names() -> Iterator[tuple[str, str]]:
    """Those of ISO 3166, as the database of time zones has them."""
    for code, name in time_zone_rows("iso3166.tab"):
        yield name, code


def time_zone_rows(table: str) -> Iterator[list[str]]:
    """The rows of a table that comes with the database of time zones, such as zone.tab; comments are left out."""
    for line in (files("tzdata") / "zoneinfo" / table).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def _folded(text: str) -> str:
    return "".join(character for character in clean(text).casefold() if character not in ".'’")


def _latin(name: str) -> str:
    """The letters without their marks, where they are Latin: Osterreich is written for Österreich."""
    return anyascii(name).casefold() if all(character < "\u0250" for character in name) else name

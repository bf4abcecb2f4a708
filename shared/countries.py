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
    "bosnia": "BA",
    "britain": "GB",
    "burma": "MM",
    "cape verde": "CV",
    "cesko": "CZ",
    "czech republic": "CZ",
    "czechia": "CZ",
    "dr congo": "CD",
    "drc": "CD",
    "england": "GB",
    "estados unidos de america": "US",
    "eswatini": "SZ",
    "great britain": "GB",
    "grossbritannien": "GB",
    "holland": "NL",
    "hong kong sar": "HK",
    "ivory coast": "CI",
    "kosova": "XK",
    "kosovo": "XK",
    "macedonia": "MK",
    "north korea": "KP",
    "northern ireland": "GB",
    "oesterreich": "AT",
    "paises bajos": "NL",
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
    "swz": "SZ",
    "the bahamas": "BS",
    "the gambia": "GM",
    "the netherlands": "NL",
    "tschechien": "CZ",
    "turkiye": "TR",
    "uae": "AE",
    "uk": "GB",
    "united states of america": "US",
    "vereinigte staaten": "US",
    "vereinigte staaten von amerika": "US",
    "viet nam": "VN",
    "wales": "GB",
}
"""What people write besides the names that Unicode and ISO 3166 have."""


def country_code(text: str | None) -> str | None:
    """The ISO 3166 alpha-2 code of a country that is given by an ISO code, or by its name; None if it is unknown."""
    name = _folded(text or "")
    return _codes().get(name) or _codes().get(_latin(name))


@cache
def _codes() -> Mapping[str, str]:
    names = (*_alpha_3(), *_names(), *_english_names())
    codes = {_folded(name): code for name, code in names if code in _KNOWN}
    plain = {_latin(name): code for name, code in codes.items()}
    return MappingProxyType(plain | _OTHER_NAMES | {code.lower(): code for code in _KNOWN} | codes)


_KNOWN: frozenset[str] = frozenset(phonenumbers.SUPPORTED_REGIONS)


def _alpha_3() -> Iterator[tuple[str, str]]:
    for _, alpha_2, alpha_3, *_ in COUNTRIES.values():
        yield alpha_3, alpha_2


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

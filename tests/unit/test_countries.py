"""Countries as people write them."""

import phonenumbers
import pytest

from shared.countries import country_code


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("US", "US | us | USA | U.S.A. | United States | United States of America | Vereinigte Staaten"),
        ("GB", "UK | GBR | Great Britain | Northern Ireland | United Kingdom | Reino Unido"),
        ("CZ", "CZE | Czechia | Czech Republic | Tschechien | Česko"),
        ("DE", "DEU | Germany | Deutschland | Alemania | Allemagne | ドイツ"),
        ("AT", "AUT | Österreich | Osterreich | Oesterreich | Áo"),
        ("CI", "CIV | Ivory Coast | Côte d'Ivoire | Côte d’Ivoire | Cote d'Ivoire"),
        ("NL", "NLD | Holland | Nederland | The Netherlands"),
        ("KR", "KOR | South Korea | Republic of Korea | Korea, Republic of"),
        ("RU", "RUS | Russia | Россия | Russian Federation"),
        ("VN", "VNM | Vietnam | Viet Nam"),
        ("MK", "MKD | North Macedonia"),
        ("SZ", "SWZ | Eswatini"),
        ("NG", "NGA | Nigeria"),
        ("BG", "BGR | Bulgaria"),
        ("MA", "MAR | Morocco"),
        ("BH", "BHR | Bahrain"),
        ("IR", "IRN | Iran | Iran, Islamic Republic of"),
        ("TZ", "TZA | Tanzania | Tanzania, United Republic of"),
        ("KP", "PRK | Korea, Democratic People's Republic of"),
        ("SY", "SYR | Syria | Syrian Arab Republic"),
        ("TR", "TUR | Turkey | Türkiye | Turkiye"),
        ("ES", "ESP | España | Espana"),
    ],
)
def test_a_country_is_known_by_its_codes_and_its_names(code, names):
    words = [
        name.strip() for part in names.split("|") for name in (part.split() if part == names.split("|")[0] else [part])
    ]
    assert {name: country_code(name) for name in words} == dict.fromkeys(words, code)


def test_every_code_means_its_own_country():
    codes = sorted(phonenumbers.SUPPORTED_REGIONS)
    assert [country_code(code) for code in codes] == codes
    assert [country_code(code.lower()) for code in codes] == codes


@pytest.mark.parametrize("text", ["", " ", "Narnia", "XX", "null", "n/a", "EU", "Europe", "ABC", "Y"])
def test_what_is_no_country_is_none(text):
    assert country_code(text) is None

"""Labels of character sets, as strangers write them."""

import pkgutil
from encodings import __path__ as encodings
from encodings.aliases import aliases

import pytest

from shared.charsets import text_codec
from tests.processor_time import processor_seconds

LABELS = sorted({*aliases, *(module.name for module in pkgutil.iter_modules(encodings))})


@pytest.mark.parametrize("label", LABELS)
def test_whatever_set_a_label_names_its_bytes_are_text_and_soon(label: str) -> None:
    codec = text_codec(label)
    if codec:
        for content in (b"\xff\xfe\x00+\x1b$B", b"a" * 200_000, b"\xe4-" * 100_000, b"+AAA" * 50_000):
            assert processor_seconds(lambda content=content: content.decode(codec, "replace"), enough=0.2) < 0.2


@pytest.mark.parametrize(
    "label", ["punycode", "idna", "base64", "rot13", "unicode_escape", "", "no such", "a\0b", "ü" * 50]
)
def test_what_is_no_character_set_has_no_codec(label: str) -> None:
    assert text_codec(label) == ""


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("UTF-8", "utf-8"),
        ('"Windows-1251"', "cp1251"),
        ("iso-8859-1", "cp1252"),
        ("gb2312", "gb18030"),
        ("ks_c_5601-1987", "cp949"),
        ("x-sjis", "cp932"),
    ],
)
def test_a_label_means_what_writers_mean_by_it(label: str, codec: str) -> None:
    assert text_codec(label) == codec

"""The given name in a full name, for a greeting: only where the split is sure."""

import unicodedata

from nameparser import HumanName

_FAMILY_NAME_FIRST = frozenset({"CN", "HK", "HU", "JP", "KH", "KP", "KR", "MO", "TW", "VN"})
"""Countries where the family name is usually written first (CLDR person names, `nameOrderLocales`)."""
_ASIAN_FAMILY_NAMES = frozenset(
    """
    bui cai cao chan chang chen cheng cho choi chung dang dinh dong duong fang feng fong gao guo han he ho hong hu
    huang huynh hwang jeong jiang jung kang kim kwon lai lam lau le lee leung li liang lim lin liu luo ma ngo nguyen
    park pham phan shen shin song sun tan tang tran truong tsai vo vu wang wong wu xie xu yang ye yu yuan zhang zhao
    zheng zhou zhu ito kato kobayashi nakamura saito sato suzuki takahashi tanaka watanabe yamada yamamoto yoshida
    """.split()
)
"""The commonest family names of East Asia in Latin letters: beside one of them nobody knows which name comes first."""
_PART_OF_A_NAME = frozenset("abd abdul abdel abu al bin bint el ibn md mohd umm".split())
"""First words of names that are no name on their own."""
_NO_PERSON = frozenset(
    """
    ag bv co company corp gmbh group inc kg kft limited llc ltd nv oy plc sa sarl sas sl sl spa srl ug
    accounts admin billing buero büro contact department desk einkauf empfang enquiries front hello help hr info
    kontakt mail marketing office orders purchasing reception sales secretary sekretariat service shop support team
    test vertrieb webmaster
    """.split()
)


def given_name(full_name: str, country: str | None = None) -> str | None:
    """The name to greet by, with its capitals; None where it is not sure: one word, initials, a family name first.

    `country` (ISO 3166 alpha-2): where the person lives, if that is known.
    """
    text = " ".join(full_name.split())
    if (country or "").upper() in _FAMILY_NAME_FIRST or not _is_written_in_words(text):
        return None
    words = {word.strip(".,'\"()") for word in _without_accents(text).split()}
    if words & (_NO_PERSON | _ASIAN_FAMILY_NAMES):
        return None
    name = HumanName(text)
    first = name.first
    if not first or not name.last or len(first.rstrip(".")) < 2 or " " in first:
        return None
    if first.endswith(".") or first.casefold() in _PART_OF_A_NAME:
        return None
    if first.islower() or (first.isupper() and len(first) > 2):
        name.capitalize(force=True)
        first = name.first
    return str(first)


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("đ", "d"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _is_written_in_words(text: str) -> bool:
    """Whether it is made of letters of an alphabet: neither of digits and signs nor of an East Asian script."""
    letters = [character for character in text if character.isalpha()]
    allowed = all(character.isalpha() or character in " .,'’-()\"" for character in text)
    return (
        bool(letters) and allowed and all(ord(letter) < 0x1100 or 0x1E00 <= ord(letter) < 0x2000 for letter in letters)
    )

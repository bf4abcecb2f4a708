"""One line of text from outside, as every service writes and compares it."""

import unicodedata

_UNSEEN = dict.fromkeys(
    [0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2065), *range(0x2066, 0x206A), 0xFEFF]
)
"""What is copied along unseen: marks of files and of word breaks, and of the direction in which text runs. The joiners
U+200C and U+200D are not among them: Persian and emoji need them."""


def clean(value: object) -> str:
    """One line of text: NFC, single spaces, no control characters, nothing unseen. "" for a blank text and for other
    types."""
    if not isinstance(value, str):
        return ""
    if value.isascii() and value.isprintable():
        return value.strip() if "  " not in value else " ".join(value.split())
    kept = "".join(c for c in value.translate(_UNSEEN) if c.isspace() or unicodedata.category(c) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", " ".join(kept.split()))


def not_blank(text: str) -> str:
    """The text as it is, for a field that needs one. Raises ValueError for a blank one."""
    if not text.strip():
        raise ValueError("is blank")
    return text

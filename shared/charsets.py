"""The names of character sets: which codec a label means that a stranger has written."""

import codecs

_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
    "iso8859-11": "cp874",
    "big5": "big5hkscs",
}
"""What writers use under the label of a smaller set."""

_NAMES = {
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "x-sjis": "cp932",
    "x-gbk": "gb18030",
    "iso-8859-8-i": "iso8859-8",
    "windows-874": "cp874",
    "x-windows-949": "cp949",
    "unicode-1-1-utf-7": "utf-7",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
}
_NOT_TEXT = frozenset({"base64", "bz2", "hex", "quopri", "rot-13", "uu", "zlib", "idna", "punycode", "undefined"})
_NOT_TEXT |= {"raw-unicode-escape", "unicode-escape", "mbcs", "oem"}
"""Codecs that are no character sets. Some take a time that grows with the square of what they read."""


def text_codec(label: str) -> str:
    """The name that Python has for a character set, or "" for a label that is none."""
    label = label.strip().strip("\"'").lower()
    if not label or "\0" in label or len(label) > 40:
        return ""
    try:
        name = codecs.lookup(_NAMES.get(label, label)).name
    except (LookupError, ValueError):
        return ""
    return "" if name in _NOT_TEXT else _WIDER.get(name, name)

"""Bytes as text: what the text is, not what its label says. Never raises."""

import codecs
import re

import charset_normalizer

from shared.charsets import text_codec

SAMPLE = 2_000
"""How many bytes are looked at to guess a character set."""

_GUESSES = [
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
    "cp949",
    "cp1251",
    "koi8_r",
    "cp1252",
    "cp1250",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp874",
]
_WINDOWS = {
    "iso8859-2": "cp1250",
    "iso8859-5": "cp1251",
    "iso8859-6": "cp1256",
    "iso8859-7": "cp1253",
    "iso8859-8": "cp1255",
}
"""What Windows writes under these labels: bytes from 0x80 to 0x9F are letters and quotes there."""
_LATIN = frozenset({"cp1252", "cp1254", "cp1250", "iso8859-2", "iso8859-15", "iso8859-10", "mac_roman"})
_ESCAPE = re.compile(rb"\x1b(?:\$[@AB()]|\([BIJ])")
_HIGH = bytes(range(0x80, 0x100))
_CONTROLS = re.compile(rb"[\x80-\x9f]")
_HANJA = re.compile(r"[\u4e00-\u9fff\uf900-\ufaff]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]{3,}")
_WESTERN = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}
_WESTERN |= {0xDC00 + byte: chr(byte) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


def decode(data: bytes, label: str = "") -> str:
    """The text of `data`. `label` is the character set that its header names; it is believed last."""
    if data.isascii() and b"\x1b" not in data:
        plain = data.decode("ascii")
        return _by_utf_7(data, plain) if label and "utf-7" in label.lower() else plain
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(name, "replace")
    if _ESCAPE.search(data) and not re.search(rb"[\x80-\xff]", data):
        name = "iso2022_kr" if b"\x1b$)C" in data else "iso2022_jp_ext"
        return data.decode(name, "replace")
    codec = text_codec(label)
    if codec.startswith(("utf-16", "utf-32")):
        return data.decode(codec, "replace")
    return _as_utf_8(data) or _as_labelled(data, codec) or _guessed(data)


def _by_utf_7(data: bytes, plain: str) -> str:
    try:
        return data.decode("utf-7")
    except UnicodeDecodeError:
        return plain


def _as_utf_8(data: bytes) -> str:
    """`data` as UTF-8, with stray Western bytes where most of it is UTF-8; "" where it is something else."""
    text = data.decode("utf-8", "surrogateescape")
    stray = len(re.findall(r"[\udc80-\udcff]", text))
    if not stray:
        return text
    other = len(text) - stray - len(data.translate(None, _HIGH))
    return text.translate(_WESTERN) if other > 2 * stray else ""


def _as_labelled(data: bytes, codec: str) -> str:
    if not codec or codec.startswith("utf"):
        return ""
    if codec in _LATIN and _looks_foreign(data):
        return ""
    if codec in _WINDOWS and _CONTROLS.search(data):
        codec = _WINDOWS[codec]
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        pass
    text = data.decode(codec, "replace")
    if codec == "cp1252":
        return data.decode("latin-1")
    # A text cut in the middle of a character, or with a stray byte, is still a text of its set.
    return text if text.count("\ufffd") <= 1 + len(text) // 50 else ""


def _looks_foreign(data: bytes) -> bool:
    """Whether most bytes beyond ASCII stand in long runs, as no Western text has them."""
    sample = data[: 8 * SAMPLE]
    high = sum(1 for byte in sample if byte > 0x7F)
    return high > 2 and sum(len(run) for run in _HIGH_RUN.findall(sample)) > high * 0.6


def _guessed(data: bytes) -> str:
    if not _looks_foreign(data):
        return data.decode("utf-8", "surrogateescape").translate(_WESTERN)
    start = max(0, next((index for index, byte in enumerate(data) if byte > 0x7F), 0) - 200)
    # Without the bytes of ASCII around them, few foreign characters are enough for a guess.
    sample = data[start : start + SAMPLE]
    best = charset_normalizer.from_bytes(sample, steps=5, chunk_size=256, cp_isolation=_GUESSES).best()
    guess = best.encoding if best is not None else "cp1252"
    if guess == "cp949" and len(_HANJA.findall(sample.decode(guess, "replace"))) > len(sample) // 20:
        # Korean has few Chinese characters today.
        guess = "gb18030"
    if guess in _LATIN and sample.decode(guess, "replace") == sample.decode("cp1252", "replace"):
        guess = "cp1252"
    text = data.decode(guess, "replace")
    if guess != "cp1252" and text.count("\ufffd") <= 1 + len(text) // 50:
        return text
    return data.decode("utf-8", "surrogateescape").translate(_WESTERN) if guess == "cp1252" else data.decode("latin-1")

"""Mails that are signed or encrypted: the words within a signature, and whether the words cannot be read. Pure.

Nothing is verified: who sent a mail is decided by other means, as for any mail.
"""

import re
from collections.abc import Sequence

SIGNED_KINDS = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
"""S/MIME (RFC 8551): signed with the words within, or encrypted."""
ENCRYPTED = "the mail is encrypted"

_BEGIN = re.compile(r"-----BEGIN PGP (SIGNED MESSAGE|SIGNATURE|MESSAGE|PUBLIC KEY BLOCK)-----\s{0,8}$")
_SIGNED_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
_MOST_PIECES = 10_000
_DEEPEST = 20
_OCTETS = 0x04
_CONSTRUCTED = 0x20


def without_armour(lines: Sequence[str]) -> list[str]:
    """The lines of a text without the armour of OpenPGP (RFC 9580): signed words stay, what cannot be read goes."""
    kept: list[str] = []
    signed, index = False, 0
    while index < len(lines):
        begin = _BEGIN.match(lines[index]) if lines[index][:5] == "-----" else None
        if begin is None:
            kept.append(lines[index].removeprefix("- ") if signed else lines[index])
            index += 1
        elif begin.group(1) == "SIGNED MESSAGE":
            signed = True
            index = next((at + 1 for at in range(index + 1, len(lines)) if not lines[at].strip()), len(lines))
        else:
            signed = False
            end = f"-----END PGP {begin.group(1)}-----"
            index = next((at + 1 for at in range(index + 1, len(lines)) if lines[at].rstrip() == end), len(lines))
    return kept


def is_armoured(text: str) -> bool:
    """Whether a text has a part that only its recipient can read."""
    return "-----BEGIN PGP MESSAGE-----" in text


def signed_content(data: bytes) -> bytes:
    """The message within a signature (CMS, RFC 5652); b"" where there is none, as in an encrypted mail."""
    if _SIGNED_DATA not in data[:40]:
        return b""
    try:
        return _Reader(data).content()
    except (IndexError, ValueError):
        return b""


class _Reader:
    """Reads BER by hand, forwards only; what is cut off or nested too deeply is a ValueError."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.left = _MOST_PIECES

    def content(self) -> bytes:
        info, _ = self._within(0)
        wrapped, _ = self._within(self._after(info))
        signed, _ = self._within(wrapped)
        encapsulated, end = self._within(self._after(self._after(signed)))
        octets = self._after(encapsulated)
        if octets >= end or self.data[octets] != 0xA0:
            return b""  # a signature apart from what it signs
        return b"".join(self._octets(self._within(octets)[0], 0))

    def _head(self, at: int) -> tuple[int, int, int]:
        """(tag, where the content begins, where it ends; -1: at its end mark)."""
        self.left -= 1
        if self.left < 0:
            raise ValueError("too many pieces")
        tag, first = self.data[at], self.data[at + 1]
        if tag & 0x1F == 0x1F or first > 0x84:
            raise ValueError("not a form that mails have")
        if first == 0x80:
            return tag, at + 2, -1
        if first < 0x80:
            start, length = at + 2, first
        else:
            start = at + 2 + (first & 0x7F)
            length = int.from_bytes(self.data[at + 2 : start], "big")
        if start + length > len(self.data):
            raise ValueError("cut off")
        return tag, start, start + length

    def _within(self, at: int) -> tuple[int, int]:
        """Where the content of a constructed piece begins and ends."""
        tag, start, end = self._head(at)
        if not tag & _CONSTRUCTED:
            raise ValueError("no pieces within")
        return start, end if end >= 0 else len(self.data)

    def _after(self, at: int, depth: int = 0) -> int:
        """Where the next piece begins."""
        _, start, end = self._head(at)
        if end >= 0:
            return end
        if depth > _DEEPEST:
            raise ValueError("too deep")
        while self.data[start : start + 2] != b"\0\0":
            start = self._after(start, depth + 1)
        return start + 2

    def _octets(self, at: int, depth: int) -> list[bytes]:
        """The octets of a string, which may come in pieces."""
        tag, start, end = self._head(at)
        if tag & ~_CONSTRUCTED != _OCTETS or depth > _DEEPEST:
            raise ValueError("no octets")
        if not tag & _CONSTRUCTED:
            return [self.data[start:end]]
        pieces: list[bytes] = []
        while (start < end) if end >= 0 else (self.data[start : start + 2] != b"\0\0"):
            pieces += self._octets(start, depth + 1)
            start = self._after(start)
        return pieces

"""The parts of a mail (MIME), read by hand: nothing raises, and depth, number and time are bounded."""

import binascii
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

from services.outreach.replies.rules import charsets, mail_headers, sealed_mail
from services.outreach.replies.rules.mail_headers import Headers

MAX_DEPTH = 40
MAX_PARTS = 600
MAX_DELIMITERS = 15_000
MAX_DELIMITER = 210

_MESSAGES = frozenset({"message/rfc822", "message/global", "message/news", "message/rfc822-headers"})


@dataclass(slots=True)
class Part:
    """One part: `kind` is its content type; a part with `children` is a multipart or an attached message."""

    raw: bytes = field(repr=False)
    headers: Headers
    kind: str
    parameters: dict[str, str]
    start: int
    end: int
    children: list["Part"] = field(default_factory=list)
    preamble: tuple[int, int] = (0, 0)

    def content(self) -> bytes:
        """The bytes of the body, out of their transfer encoding as far as it can be read."""
        data = self.raw[self.start : self.end]
        encoding = self.headers.first("content-transfer-encoding").strip().strip("\"';").lower()
        if encoding.startswith("quoted"):
            return binascii.a2b_qp(data)
        if encoding == "base64" and _is_base64(data):
            return mail_headers.base64(data)
        return data

    def text(self) -> str:
        return charsets.decode(self.content(), self.parameters.get("charset", "")).replace("\0", "")

    @property
    def disposition(self) -> str:
        return self.headers.first("content-disposition").partition(";")[0].strip().lower()

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, those in attached messages too."""
        yield self
        for child in self.children:
            yield from child.walk()


def _is_base64(data: bytes) -> bool:
    """Whether the bytes are base64 indeed: a line of plain words under that label is a text."""
    sample = data[:2_000].strip()
    if b" " not in sample:
        return True
    words = [len(word) for word in sample.split()]
    return max(words, default=0) >= 40


def read(raw: bytes) -> Part:
    """The mail as a tree of parts. The root is the mail itself."""
    return _Reader(raw).part(0, len(raw), 0, "text/plain", whole=True)


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.left = MAX_PARTS
        self.starts: list[int] = []
        self.delimiters: list[tuple[int, int, bytes]] = []
        self._find_delimiters()

    def _find_delimiters(self) -> None:
        """Every line that begins with two dashes, as (start, end, text); the only places where a part can begin."""
        raw, position = self.raw, 0 if self.raw.startswith(b"--") else self.raw.find(b"\n--") + 1
        if not position and not raw.startswith(b"--"):
            return
        for _ in range(MAX_DELIMITERS):
            newline = raw.find(b"\n", position)
            end = len(raw) if newline < 0 else newline + 1
            if 4 <= end - position <= MAX_DELIMITER:
                self.starts.append(position)
                self.delimiters.append((position, end, raw[position:end].strip()))
            position = raw.find(b"\n--", end - 1) + 1
            if not position:
                return

    def part(self, start: int, end: int, depth: int, kind: str, *, whole: bool = False) -> Part:
        self.left -= 1
        headers, body = mail_headers.split(self.raw, start, end, whole=whole)
        given, parameters = mail_headers.parameters(headers.first("content-type"))
        part = Part(self.raw, headers, given if "/" in given else kind, parameters, body, end)
        if depth < MAX_DEPTH and self.left > 0:
            if part.kind.startswith("multipart/"):
                self._divide(part, depth)
            elif part.kind in _MESSAGES:
                self._open(part, depth)
            elif part.kind in sealed_mail.SIGNED_KINDS and (signed := sealed_mail.signed_content(part.content())):
                part.children = [self._inner(signed, depth)]
        elif part.kind.startswith("multipart/"):
            part.children = self._flat(part)
        return part

    def _within(self, start: int, end: int) -> list[tuple[int, int, bytes]]:
        return self.delimiters[bisect_left(self.starts, start) : bisect_left(self.starts, end)]

    def _divide(self, part: Part, depth: int) -> None:
        """The parts between the delimiters; where the named delimiter is nowhere, the one that is there."""
        lines = self._within(part.start, part.end)
        boundary = b"--" + part.parameters.get("boundary", "").encode("utf-8", "replace").strip()
        hits = [line for line in lines if line[2] in (boundary, boundary + b"--")] if len(boundary) > 2 else []
        if not hits and (guess := self._guessed(lines)):
            hits = [line for line in lines if line[2] in (guess, guess + b"--")]
            boundary = guess
        if not hits:
            part.preamble = (part.start, part.end)
            return
        part.preamble = (part.start, hits[0][0])
        kind = "message/rfc822" if part.kind == "multipart/digest" else "text/plain"
        for index, (_, start, text) in enumerate(hits):
            stop = hits[index + 1][0] if index + 1 < len(hits) else part.end
            if text == boundary and self.left > 0:
                part.children.append(self.part(start, self._before_newline(start, stop), depth + 1, kind))

    def _guessed(self, lines: list[tuple[int, int, bytes]]) -> bytes:
        for _, end, text in lines[:200]:
            if len(text) > 2 and self.raw[end : end + 8].lower() == b"content-":
                return text
        return b""

    def _before_newline(self, start: int, stop: int) -> int:
        if stop > start and self.raw[stop - 1 : stop] == b"\n" and stop != len(self.raw):
            stop -= 1
            if stop > start and self.raw[stop - 1 : stop] == b"\r":
                stop -= 1
        return stop

    def _open(self, part: Part, depth: int) -> None:
        """The message in a part, also where it was encoded against the rules."""
        encoding = part.headers.first("content-transfer-encoding").strip().lower()
        if encoding in ("base64", "quoted-printable"):
            part.children = [self._inner(part.content(), depth)]
        else:
            part.children = [self.part(part.start, part.end, depth + 1, "text/plain", whole=True)]

    def _inner(self, content: bytes, depth: int) -> Part:
        """The message that was encoded or signed as a whole."""
        inner = _Reader(content)
        inner.left = self.left
        read = inner.part(0, len(inner.raw), depth + 1, "text/plain", whole=True)
        self.left = inner.left
        return read

    def _flat(self, part: Part) -> list[Part]:
        """The leaves of a nest that is too deep, without its structure."""
        lines = self._within(part.start, part.end)
        stops = [*(line[0] for line in lines[1:]), part.end]
        pairs = list(zip(lines, stops, strict=False))  # without a line there is one stop too many
        leaves: list[Part] = []
        for (_, start, _), stop in pairs if len(pairs) <= 3_000 else [*pairs[:2_000], *pairs[-200:]]:
            headers, body = mail_headers.split(self.raw, start, self._before_newline(start, stop), whole=False)
            kind, parameters = mail_headers.parameters(headers.first("content-type"))
            if kind.startswith("text/") and len(leaves) < 20:
                leaves.append(Part(self.raw, headers, kind, parameters, body, self._before_newline(start, stop)))
        return leaves

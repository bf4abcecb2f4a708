"""Headers of a mail, read by hand: whatever the bytes are, and in time that grows with their number only."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from services.outreach.replies.rules import charsets

MAX_BLOCK = 256 * 1024
MAX_FIELDS = 2_000
MAX_VALUE = 64 * 1024
MAX_LINES = 5_000
MAX_STRUCTURED = 4_096
MAX_ADDRESSES = 32 * 1024
"""How much of the headers is read, of one header, of its parameters, and of its addresses."""

_EMPTY_LINES = re.compile(rb"[\r\n]{1,1000}")
_NAME = re.compile(rb"([!-9;-~]{1,100})[ \t]{0,20}:")
_WORD_START = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?")
_PIECE = re.compile(r"\\.|[^\"()<>,;\\]+|.", re.S)
_WORD = re.compile(r"(?:[^\s<>()\[\]\",;:'`]|(?<=\w)'(?=\w))+")
"""An apostrophe within a word is a part of it (o'brien@acme.example); at its ends it is a quotation mark."""
_MESSAGE_ID = re.compile(r"<\s{0,3}\[?([^<>\s\[\]]{3,250})\]?\s{0,3}>")
_KIND = re.compile(r"\s{0,20}([\w!#$&^.+-]{1,80})/([\w!#$&^.+-]{1,80})")
_PARAMETER = re.compile(
    r";\s{0,100}([^\s=;\"]{1,60})\s{0,20}=\s{0,20}(?:\"((?:[^\"\\]|\\.){0,900})\"|([^;\"]{0,900}))", re.S
)


@dataclass(slots=True)
class Headers:
    """The header fields in order: names in lower case, values on one line, encoded words as they are."""

    fields: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.fields if known == name]

    def first(self, name: str) -> str:
        return next((value for known, value in self.fields if known == name), "")

    def text(self, name: str) -> str:
        """The first value of that name as a person reads it."""
        return decoded(self.first(name))

    def addresses(self, *names: str) -> list[str]:
        """All addresses in these headers, in lower case, each once."""
        return list(dict.fromkeys(found for name in names for value in self.all(name) for found in addresses(value)))


def split(raw: bytes, start: int, end: int, *, whole: bool) -> tuple[Headers, int]:
    """The headers at `start`, and where the body begins. `whole`: a mail, not a part; it may begin with debris."""
    lines: list[tuple[str, list[bytes]]] = []
    position, limit = start, min(end, start + MAX_BLOCK)
    seen, count = False, 0
    if whole and (empty := _EMPTY_LINES.match(raw, start, end)) and _starts_header(raw, empty.end(), end):
        position = empty.end()
    while position < limit and count < MAX_LINES:
        count += 1
        stop = _line_end(raw, position, end)
        line = raw[position : min(stop, position + MAX_VALUE)].rstrip(b"\r\n")
        if not line:
            return _fields(lines), stop
        elif line[:1] in b" \t":
            if lines:
                lines[-1][1].append(line)
            elif not whole:
                return _fields(lines), position
        elif name := _NAME.match(line):
            seen = True
            if len(lines) < MAX_FIELDS:
                lines.append((name.group(1).decode("ascii").lower(), [line[name.end() :]]))
        elif not (seen or (whole and line.startswith((b"From ", b">From ")))) or not _starts_header(raw, stop, end):
            return _fields(lines), position
        position = stop
    if position >= end:
        return _fields(lines), end
    blank = re.compile(rb"\n\r?\n").search(raw, position - 1, end)
    return _fields(lines), blank.end() if blank else end


def _line_end(raw: bytes, position: int, end: int) -> int:
    newline = raw.find(b"\n", position, end)
    return end if newline < 0 else newline + 1


def _starts_header(raw: bytes, position: int, end: int) -> bool:
    return bool(_NAME.match(raw, position, min(end, position + 130)))


def _fields(lines: list[tuple[str, list[bytes]]]) -> Headers:
    return Headers([(name, charsets.decode(b"".join(value)[:MAX_VALUE]).strip()) for name, value in lines])


def decoded(value: str) -> str:
    """A header value with its encoded words (RFC 2047) as text, on one line; words may hold spaces and `?`."""
    if "=?" not in value:
        return " ".join(value.split())
    out: list[str] = []
    pending: tuple[str, bytes] | None = None
    position = 0
    while start := _WORD_START.search(value, position):
        stop = value.find("?=", start.end())
        if stop < 0:
            break
        between = value[position : start.start()]
        charset, data = start.group(1), _word(start.group(2), value[start.end() : stop])
        if pending and not between.strip() and pending[0].lower() == charset.lower():
            # A character may begin in one word and end in the next.
            pending = (charset, pending[1] + data)
        else:
            if pending:
                out.append(charsets.decode(pending[1], pending[0]))
                between = between if between.strip() else ""
            out.append(between)
            pending = (charset, data)
        position = stop + 2
    if pending:
        out.append(charsets.decode(pending[1], pending[0]))
    out.append(value[position:])
    return " ".join("".join(out).split())


def _word(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data.replace(b" ", b"_"), header=True)
    return base64(data)


def base64(data: bytes) -> bytes:
    """Base64 as far as it can be read: without what does not belong, with the padding that is missing."""
    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    try:
        return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
    except binascii.Error:
        return b""


def addresses(value: str) -> list[str]:
    """The addresses in a header of mailboxes, in lower case: read before any name is decoded."""
    value = value[:MAX_ADDRESSES]
    found = [each for mailbox in _mailboxes(value) if (each := _of_mailbox(*mailbox))]
    if not found and "=?" in value and "@" not in value:
        # A writer's program that encoded the address with the name.
        found = addresses_in(decoded(value)[:MAX_ADDRESSES])
    return list(dict.fromkeys(_clean(each) for each in found))


def addresses_in(text: str) -> list[str]:
    """Every address in a text, as written, in order."""
    if "@" not in text:
        return []
    words = (word.strip(".") for word in _WORD.findall(text))
    return [word for word in words if "@" in word and 0 < word.index("@") < len(word) - 1 and len(word) <= 320]


def _mailboxes(value: str) -> Iterator[tuple[str, str, str]]:
    """(text in angle brackets, other text, the whole) of each mailbox; commas in quotes and comments do not divide."""
    angle: list[str] = []
    bare: list[str] = []
    whole: list[str] = []
    quoted, bracketed, depth = False, False, 0
    for piece in _PIECE.findall(value):
        whole.append(piece)
        if piece == '"' and not depth:
            quoted = not quoted
        elif quoted and not bracketed:
            continue
        elif piece == "(" and not bracketed:
            depth += 1
        elif piece == ")" and depth:
            depth -= 1
        elif depth:
            continue
        elif piece == "<":
            bracketed, angle = True, []
        elif piece == ">":
            bracketed = False
        elif bracketed:
            angle.append(piece)
        elif piece in ",;":
            yield "".join(angle), "".join(bare), "".join(whole)
            angle, bare, whole = [], [], []
        else:
            bare.append(piece)
    yield "".join(angle), "".join(bare), "".join(whole)


def _of_mailbox(angle: str, bare: str, whole: str) -> str:
    for text in (angle, bare, whole):
        if found := addresses_in(text):
            return found[0]
    return ""


def _clean(address: str) -> str:
    return address.removeprefix("mailto:").strip(".'").lower()


def message_ids(value: str) -> list[str]:
    """The message ids in a header, without brackets, in order and once each."""
    value = decoded(value)
    return list(dict.fromkeys(_MESSAGE_ID.findall(value) or addresses_in(value)))


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """(the value, its parameters) of Content-Type or Content-Disposition; names in lower case (RFC 2231)."""
    value = value[:MAX_STRUCTURED]
    kind = _KIND.match(value)
    name = f"{kind.group(1)}/{kind.group(2)}".lower() if kind else value.partition(";")[0].strip().lower()[:80]
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, bytes]] = {}
    charset: dict[str, str] = {}
    for hit in _PARAMETER.finditer(value):
        key, text = (
            hit.group(1).lower(),
            re.sub(r"\\(.)", r"\1", hit.group(2)) if hit.group(2) is not None else hit.group(3),
        )
        text = text.strip()
        if "*" not in key:
            plain.setdefault(key, text)
            continue
        base, _, rest = key.partition("*")
        number = int(rest.strip("*")) if rest.strip("*").isdecimal() and len(rest) < 5 else 0
        if key.endswith("*"):
            if number == 0 and text.count("'") >= 2:
                charset[base], _, text = text.split("'", 2)
            pieces.setdefault(base, {})[number] = unquote_to_bytes(text)
        else:
            pieces.setdefault(base, {})[number] = text.encode("utf-8", "replace")
    for base, numbered in pieces.items():
        plain[base] = charsets.decode(b"".join(part for _, part in sorted(numbered.items())), charset.get(base, ""))
    return name, plain

"""A raw mail made of the fields that a provider has parsed, so that the one reader of mails understands it.

The same fields always make the same bytes, so that a repeated webhook is recognised as a duplicate.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.message import Message
from hashlib import sha256

_NAME = re.compile(r"[!-9;-~]{1,100}")
"""A header's name (RFC 5322, 2.2)."""
_KIND = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,100}/[a-z0-9][a-z0-9.+_-]{0,100}(\s*;[ -~]{0,500})?", re.I)
_STRUCTURE = frozenset({"content-type", "content-transfer-encoding", "mime-version", "content-length"})
_BINARY = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Body:
    """A text of the mail: its bytes, in the character set that they are said to be in."""

    subtype: str
    content: bytes
    charset: str = "utf-8"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of the mail."""

    content_type: str
    name: str
    content: bytes
    content_id: str = ""


def build(headers: Iterable[tuple[str, str]], bodies: Sequence[Body], attachments: Sequence[Attachment]) -> bytes:
    """The mail of these headers and parts. Headers are written in UTF-8 (RFC 6532); those of the structure are new."""
    texts = [_text(body) for body in bodies if body.content] or [_text(Body("plain", b""))]
    digest = _digest([*(body.content for body in bodies), *(each.content for each in attachments)])
    mail = texts[0] if len(texts) == 1 else _multipart("alternative", texts, f"a-{digest}")
    if attachments:
        mail = _multipart("mixed", [mail, *map(_file, attachments)], f"m-{digest}")
    lines = []
    for name, value in headers:
        if name.lower() in _STRUCTURE:
            name = f"X-Original-{name}"
        if _NAME.fullmatch(name):
            lines.append(f"{name}: {_one_line(value)}\r\n")
    return "".join(lines).encode(errors="replace") + b"MIME-Version: 1.0\r\n" + mail


def headers_of(block: str) -> list[tuple[str, str]]:
    """The (name, value) pairs of a header block as it was sent, with continued lines joined."""
    pairs: list[tuple[str, str]] = []
    for line in block.splitlines():
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t") and pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]} {line.strip()}")
        elif colon:
            pairs.append((name.strip(), value.strip()))
    return pairs


def with_missing(headers: list[tuple[str, str]], others: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers, and those of `others` with a value that are not among them."""
    known = {name.lower() for name, _ in headers}
    return headers + [(name, value) for name, value in others if value and name.lower() not in known]


def _digest(contents: Sequence[bytes]) -> str:
    """Of all contents: a boundary of it is in none of them but by intent, and the same for the same mail."""
    whole = sha256()
    for content in contents:
        whole.update(b"%d:" % len(content))
        whole.update(content)
    return whole.hexdigest()[:32]


def _one_line(value: str) -> str:
    return " ".join(value.replace("\0", "").split())


def _text(body: Body) -> bytes:
    charset = re.sub(r"[^A-Za-z0-9._:+-]", "", body.charset)[:50] or "utf-8"
    return _part({"Content-Type": f'text/{body.subtype}; charset="{charset}"'}, body.content)


def _file(attachment: Attachment) -> bytes:
    kind = _one_line(attachment.content_type)
    if not _KIND.fullmatch(kind) or kind.lower().startswith("multipart/"):
        kind = _BINARY
    headers = {"Content-Type": kind}
    name = _one_line(attachment.name)
    if name:
        made = Message()
        encoded = name if name.isascii() else ("utf-8", "", name.encode(errors="replace").decode())
        made.add_header("Content-Disposition", "attachment", filename=encoded)
        headers["Content-Disposition"] = _one_line(str(made["Content-Disposition"]))
    content_id = _one_line(attachment.content_id).strip("<>")
    if content_id and content_id.isascii():
        headers["Content-ID"] = f"<{content_id}>"
    return _part(headers, attachment.content)


def _part(headers: dict[str, str], content: bytes) -> bytes:
    """A part, from its headers on."""
    is_message = headers["Content-Type"].lower().startswith("message/")  # not in base64 (RFC 2046, 5.2)
    headers = {**headers, "Content-Transfer-Encoding": "8bit" if is_message else "base64"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    encoded = content if is_message else base64.encodebytes(content).replace(b"\n", b"\r\n")
    return lines.encode() + b"\r\n" + encoded


def _multipart(subtype: str, parts: Sequence[bytes], boundary: str) -> bytes:
    line = b"\r\n--" + boundary.encode()
    whole = b"".join(line + b"\r\n" + part for part in parts)
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n'.encode() + whole + line + b"--\r\n"

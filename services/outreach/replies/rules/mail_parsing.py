"""Parsing of raw mail (RFC 5322): sender, references, recipients, and the text that the writer sent.

Any bytes are a mail: nothing here raises, and the time grows with the size only. What the standard's parsers refuse
is read by hand (`mail_headers`, `mime_parts`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from services.outreach.replies.rules import calendar_answers, html_text, mail_headers, mime_parts, new_text, sealed_mail
from services.outreach.replies.rules.calendar_answers import CalendarAnswer
from services.outreach.replies.rules.mail_headers import Headers
from services.outreach.replies.rules.mime_parts import Part

MAX_BODY = 1_000_000
"""How many characters of text a mail can have; what is beyond stays in the raw mail."""

MAX_FLOWED = 20_000
"""How many lines are joined that were broken for sending only."""

MAX_STUB = 600
"""Characters of a plain version that may only say that there is another one."""
_OF_A_STUB = re.compile(r"\b(?:html|browser|navigateur|navegador)\b", re.I)
"""What such a version names, and the version with the words does not."""

_LINK = re.compile(rb"/v1/unsubscribe/([A-Za-z0-9_.\-~]{20,600})")
_FOR = re.compile(r"\bfor\s{1,5}<?([^\s<>;@]{1,100}@[^\s<>;@]{1,200})>?")
_HTML = re.compile(r"\s{0,50}(<!doctype html|<html\b|<head\b|<body\b)", re.I)
_ANY_TAG = re.compile(r"<(?:[a-z!/][^<>]{0,300})>", re.I)
_NOT_WORDS = frozenset(
    {"text/rfc822-headers", "text/calendar", "text/css", "text/csv", "text/x-amp-html", "text/vcard"}
)
_NOT_WORDS |= {"text/x-vcard", "text/directory", "text/javascript", "text/x-patch", "text/x-diff", "text/xml"}
_RECIPIENTS = (
    "to",
    "cc",
    "bcc",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-delivered-to",
    "x-forwarded-to",
    "x-rcpt-to",
    "x-original-recipient",
    "resent-to",
    "apparently-to",
)

Kind = Literal["mail", "calendar_answer", "read_receipt"]


@dataclass(frozen=True, slots=True)
class InboundMail:
    """An inbound mail. Message ids are without angle brackets, addresses and header names in lower case."""

    message_id: str | None
    sender: str
    subject: str
    references: list[str]
    """In-Reply-To first, then References with the newest first."""
    tokens: list[str]
    """Unsubscribe tokens in the quoted text: they identify the conversation where a mail program drops References."""
    headers: dict[str, str]
    body: str
    digest: bytes
    """Of Message-ID, From, Subject, Date and the bytes of the body: a relay's own headers do not change it."""
    recipients: list[str] = field(default_factory=list)
    """Every address that it was sent or delivered to, as far as its headers say."""
    plus_tags: list[str] = field(default_factory=list)
    """What stands between `+` and `@` in those addresses."""
    kind: Kind = "mail"
    """A `read_receipt` (RFC 8098) is no reply; a `calendar_answer` is one, and so is an invitation."""
    calendar_answer: CalendarAnswer | None = None
    typed: str = ""
    """The body without what the calendar says of itself."""
    sealed: bool = False
    """Whether its words can be read by their recipient only."""
    root: Part | None = field(default=None, repr=False, compare=False)
    """The tree of its parts."""


def parse(raw: bytes) -> InboundMail:
    """The mail in `raw`. No bytes are refused: what cannot be decoded is replaced, and no text is lost to a header."""
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    root = mime_parts.read(raw)
    headers = root.headers
    answer = _calendar_answer(root)
    recipients = headers.addresses(*_RECIPIENTS)
    recipients += [
        hit.group(1).lower() for value in headers.all("received")[:30] if (hit := _FOR.search(value[:2_000]))
    ]
    recipients = list(dict.fromkeys(recipients))
    own_id = mail_headers.message_ids(headers.first("message-id"))
    typed = _body(root)
    if answer and answer.comment:
        typed = f"{answer.comment}\n\n{typed}".strip()
    return InboundMail(
        message_id=new_text.storable(own_id[0]) if own_id else None,
        sender=new_text.storable(_sender(headers)),
        subject=new_text.storable(headers.text("subject")),
        references=_references(headers),
        tokens=_tokens(raw, root),
        headers={name: new_text.storable(mail_headers.decoded(value)) for name, value in headers.fields},
        body=new_text.storable(f"{answer.words}\n\n{typed}".strip() if answer else typed),
        digest=_digest(root),
        recipients=recipients,
        plus_tags=[tag for each in recipients if (tag := each.partition("@")[0].partition("+")[2])],
        kind="read_receipt" if _is_read_receipt(root) else "calendar_answer" if answer else "mail",
        calendar_answer=answer,
        typed=new_text.storable(typed),
        sealed=sealed_mail.is_armoured(typed) or any(map(_is_encrypted, own_parts(root))),
        root=root,
    )


def _sender(headers: Headers) -> str:
    for name in ("from", "sender", "reply-to"):
        if found := headers.addresses(name):
            return found[0]
        if name == "from" and headers.first("from").strip():
            # A sender without an address, as a mail server writes it, is nobody; other headers do not change that.
            return ""
    return ""


def _references(headers: Headers) -> list[str]:
    answered = [each for value in headers.all("in-reply-to") for each in mail_headers.message_ids(value)]
    earlier = [each for value in headers.all("references") for each in mail_headers.message_ids(value)]
    return list(dict.fromkeys(new_text.storable(each) for each in [*reversed(answered), *reversed(earlier)]))


def _tokens(raw: bytes, root: Part) -> list[str]:
    found = _LINK.findall(raw[: 4 * MAX_BODY].replace(b"=\r\n", b"").replace(b"=\n", b""))
    for part in _leaves(root):
        encoding = part.headers.first("content-transfer-encoding")
        if part.kind.startswith("text/") and encoding.strip().lower() == "base64":
            found += _LINK.findall(part.content()[: 4 * MAX_BODY])
    return list(dict.fromkeys(token.decode("ascii") for token in found))


def _digest(root: Part) -> bytes:
    digest = sha256()
    for name in ("message-id", "from", "subject", "date"):
        value = " ".join(root.headers.first(name).split()).encode("utf-8", "replace")
        digest.update(b"%d:%b" % (len(value), value))
    digest.update(root.raw[root.start :].replace(b"\r\n", b"\n").rstrip())
    return digest.digest()


def _leaves(root: Part) -> Iterator[Part]:
    return (part for part in root.walk() if not part.children)


def _calendar_answer(root: Part) -> CalendarAnswer | None:
    for part in own_parts(root):
        if part.kind in ("text/calendar", "application/ics"):
            answer = calendar_answers.read(part.text(), part.parameters.get("method", ""))
            if answer:
                return answer
    return None


def _is_read_receipt(root: Part) -> bool:
    if root.kind == "multipart/report" and root.parameters.get("report-type", "").lower() == "disposition-notification":
        return True
    return any(part.kind == "message/disposition-notification" for part in own_parts(root))


def _is_encrypted(part: Part) -> bool:
    return part.kind == "multipart/encrypted" or (part.kind in sealed_mail.SIGNED_KINDS and not part.children)


def own_parts(root: Part) -> Iterator[Part]:
    """The parts of the mail itself: not those of messages attached to it."""
    yield root
    if not root.kind.startswith("message/"):
        for child in root.children:
            yield from own_parts(child)


def _body(root: Part) -> str:
    """The text of the mail: all text parts in order, one version of each; what stands before broken parts otherwise."""
    text = _words(root, first=True)
    if not text.strip() and not root.kind.startswith(("message/", "image/", "application/", "audio/", "video/")):
        for part in own_parts(root):
            begin, end = part.preamble
            text = _without_delimiters(new_part(part, begin, end).text()) if end > begin else ""
            if text.strip() and not _is_note_about_mime(text):
                return text[:MAX_BODY]
        return ""
    return text[:MAX_BODY]


def _is_note_about_mime(text: str) -> bool:
    """The sentence that mail programs put before the first part, for programs that know no parts."""
    words = text.strip()[:400].lower()
    return len(words) < 300 and ("mime" in words or "multi-part" in words or "multipart" in words)


def new_part(part: Part, begin: int, end: int) -> Part:
    """A stretch of a part as a part of its own, read with its headers."""
    return Part(part.raw, part.headers, "text/plain", {}, begin, end)


def _without_delimiters(text: str) -> str:
    """A text that was found where its parts are not: without the lines and headers that divide parts."""
    kept = [
        line for line in text[:200_000].split("\n") if not re.match(r"--\S{3,200}$|content-[a-z-]{3,40}:", line, re.I)
    ]
    text = "\n".join(kept)
    return html_text.from_html(text) if _HTML.match(text) else text


def _words(part: Part, first: bool = False) -> str:
    """The text of a part with the parts below it."""
    if part.kind == "multipart/alternative":
        return _alternative(part)
    if part.kind.startswith("multipart/") or part.kind in sealed_mail.SIGNED_KINDS:
        texts: list[str] = []
        for child in part.children:
            text = _words(child, first=not texts)
            if text.strip():
                texts.append(text)
        return "\n".join(texts) if len(texts) > 1 else "".join(texts)
    return part_text(part) if _counts(part, first) else ""


def _alternative(part: Part) -> str:
    versions = [(child.kind, _words(child, first=True)) for child in part.children]
    plain = next((text for kind, text in versions if kind == "text/plain" and text.strip()), None)
    best = next((text for _, text in reversed(versions) if text.strip()), "")
    return best if plain is None or _only_points_to(best, plain) else plain


def _only_points_to(best: str, plain: str) -> bool:
    """Whether a plain version says no more than that the other one has the words."""
    return len(plain) <= MAX_STUB and bool(_OF_A_STUB.search(plain)) and not _OF_A_STUB.search(best)


def _counts(part: Part, first: bool) -> bool:
    """Whether a part holds words of the writer: attached files and messages do not."""
    if part.kind.startswith("message/") or part.kind in _NOT_WORDS or not part.kind.startswith("text/"):
        return part.kind in ("", "text") or "/" not in part.kind
    if part.disposition == "attachment":
        return False
    named = "filename=" in part.headers.first("content-disposition").lower() or "name" in part.parameters
    return first or not named


def part_text(part: Part) -> str:
    """The text of one part: HTML read, flowed lines joined."""
    text = part.text()[: 4 * MAX_BODY]
    if part.kind in ("text/html", "text/enriched", "text/richtext") or _HTML.match(text):
        return html_text.from_html(text) if _ANY_TAG.search(text) else text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if part.parameters.get("format", "").lower() == "flowed":
        return _unflowed(text, part.parameters.get("delsp", "").lower() == "yes")
    return text


def _unflowed(text: str, delete_space: bool) -> str:
    """Lines that were broken for sending only are joined (RFC 3676)."""
    lines: list[tuple[int, list[str]]] = []
    open_depth = -1
    *broken, rest = text.split("\n", MAX_FLOWED)
    for line in broken if len(broken) == MAX_FLOWED else [*broken, rest]:
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        flowed = content.endswith(" ") and content != "-- "
        piece = content[:-1] if flowed and delete_space else content
        if depth == open_depth and content != "-- ":
            lines[-1][1].append(piece)
        else:
            lines.append((depth, [piece]))
        open_depth = depth if flowed else -1
    joined = [(">" * depth + " " if depth else "") + "".join(pieces) for depth, pieces in lines]
    return "\n".join([*joined, rest] if len(broken) == MAX_FLOWED else joined)

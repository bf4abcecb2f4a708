"""The exact message: its canonical bytes and hash, and the MIME that is sent.

The hash that a person approves covers the RFC 8785 JSON of channel, from, to, subject, body and headers. Only Date,
Message-ID and the unsubscribe link are added at sending.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.header import Header, decode_header, make_header
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from html import escape

import rfc8785

from services.outreach.address_forms import ascii_domain, on_the_wire
from shared.errors import Invalid
from shared.strict_json import has_half_pair

BREAK = "\u200b"
"""A zero-width space: a place where a line may break. In a name like Example.com it keeps mail clients from making a
link of it."""

MAX_SUBJECT = 255
MAX_BODY = 50_000
MAX_SMS = 1_600
ALLOWED_HEADERS = frozenset({"In-Reply-To", "References"})

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_BODY = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?]*\?=")
_MESSAGE_IDS = re.compile(r"(<[!-;=?-~]{1,250}>)( <[!-;=?-~]{1,250}>)*\Z")
_ADDRESS = re.compile(r"[^\s@<>,;:\"\\()\[\]]{1,64}@[^\s@<>,;:\"\\()\[\]]{1,190}\Z")
_NUMBER = re.compile(r"\+?[A-Za-z0-9 ]{3,20}\Z")
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a person approves it. `to` and `from_` are bare addresses (e-mail, or a phone number in E.164)."""

    channel: str
    from_: str
    to: str
    subject: str | None
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def canonical(self) -> str:
        """The RFC 8785 JSON that the hash covers."""
        return rfc8785.dumps(
            {
                "channel": self.channel,
                "from": self.from_,
                "to": self.to,
                "subject": self.subject,
                "body": self.body,
                "headers": dict(self.headers),
            }
        ).decode()

    @property
    def sha256(self) -> str:
        """The hash in lower-case hex."""
        return sha256(self.canonical().encode()).hexdigest()


def valid_message(
    channel: str, from_: str, to: str, subject: str | None, body: str, headers: Mapping[str, str] | None = None
) -> Message:
    """A message that can be sent; Invalid lists the parts that cannot. Line ends become `\\n`."""
    errors = []

    def wrong(field: str, message: str) -> None:
        errors.append({"field": field, "message": message})

    body = body.replace("\r\n", "\n").replace("\r", "\n")
    subject = subject.strip() if subject else None
    if not body.strip():
        wrong("body", "is empty")
    if fault := body_fault(body):
        wrong("body", fault)
    if channel == "email":
        if not subject:
            wrong("subject", "is missing")
        else:
            if fault := header_fault(subject):
                wrong("subject", fault)
            if len(subject) > MAX_SUBJECT:
                wrong("subject", f"is longer than {MAX_SUBJECT} characters")
        if len(body) > MAX_BODY:
            wrong("body", f"is longer than {MAX_BODY} characters")
    else:
        if subject:
            wrong("subject", "must be empty for an SMS")
        subject = None
        if len(body) > MAX_SMS:
            wrong("body", f"is longer than {MAX_SMS} characters")
    for name, address in (("from", from_), ("to", to)):
        if fault := address_fault(channel, address):
            wrong(name, fault)
    for name, value in (headers or {}).items():
        if name not in ALLOWED_HEADERS:
            wrong("headers", f"{name[:50]!r} cannot be set by a draft")
        elif header_fault(value) or not _MESSAGE_IDS.match(value):
            wrong("headers", f"{name} must be a list of message ids")
    if errors:
        raise Invalid("the message cannot be sent as it is", errors)
    return Message(channel, from_, to, subject, body, dict(headers or {}))


def address_fault(channel: str, address: str) -> str | None:
    """The reason why nothing can be sent from or to an address, or None."""
    shape = _ADDRESS if channel == "email" else _NUMBER
    if not shape.match(address) or _CONTROL.search(address):
        return "must be one plain address"
    if channel == "email" and ascii_domain(address) is None:
        return "has a domain that is not valid in DNS"
    return None


def body_fault(body: str) -> str | None:
    """The reason why a body is refused, or None."""
    return "has control characters" if _CONTROL_IN_BODY.search(body) or has_half_pair(body) else None


def header_fault(value: str) -> str | None:
    """The reason why a header value is refused, or None. Encoded words are decoded first: one may hide a line break."""
    if _CONTROL.search(value) or has_half_pair(value):
        return "has control characters"
    if not _ENCODED_WORD.search(value):
        return None
    try:
        decoded = str(make_header(decode_header(value)))
    except (LookupError, UnicodeError, ValueError):
        return "has an encoded word that cannot be read"
    return "has control characters inside an encoded word" if _CONTROL.search(decoded) else None


def thread_headers(answers: str | None, earlier: list[str]) -> dict[str, str]:
    """In-Reply-To and References for a message of a conversation; ids without angle brackets, oldest first."""
    if not answers or not _MESSAGE_IDS.match(f"<{answers}>"):
        return {}
    chain = [part for part in [*earlier, answers] if _MESSAGE_IDS.match(f"<{part}>")]
    chain = list(dict.fromkeys(chain))[-10:]
    return {"In-Reply-To": f"<{answers}>", "References": " ".join(f"<{part}>" for part in chain)}


def build_mime(message: Message, *, message_id: str, date: datetime, unsubscribe: str | None) -> bytes:
    """The bytes that are sent: plain text and HTML, headers encoded. Invalid when a value would open another header.

    The plain part is exactly the approved body; the HTML part has the same text and the unsubscribe link.
    """
    named = {
        "From": on_the_wire(message.from_),
        "To": on_the_wire(message.to),
        "Subject": _encoded(message.subject or ""),
        "Date": format_datetime(date),
        "Message-ID": f"<{message_id}>",
        **{name: value.replace(" ", "\r\n ") for name, value in message.headers.items()},
    }
    if unsubscribe:
        named["List-Unsubscribe"] = f"<{unsubscribe}>"
        named["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    content = EmailMessage(policy=policy.SMTP)
    content.set_content(message.body, charset="utf-8", cte=_encoding(message.body))
    content.add_alternative(_html(message.body, unsubscribe), subtype="html", charset="utf-8", cte="quoted-printable")
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    raw = head.encode() + content.as_bytes()
    _check(raw, [*named, *content.keys()], message)
    return raw


def _encoded(subject: str) -> str:
    """The header form of a subject. Python's own folding would break long links and read encoded words in the text."""
    plain = subject.isascii() and "=?" not in subject and all(len(word) <= 60 for word in subject.split(" "))
    return Header(subject, "us-ascii" if plain else "utf-8", 76, "Subject").encode(linesep="\r\n")


def _encoding(body: str) -> str:
    """7bit where it fits, so that a person can read the raw mail; otherwise quoted-printable."""
    short = all(len(line) <= 990 for line in body.split("\n"))
    return "7bit" if short and body.isascii() else "quoted-printable"


def _check(raw: bytes, names: list[str], message: Message) -> None:
    """Check that a reader sees only the headers that we set, and the approved subject (CVE-2024-6923)."""
    seen = message_from_bytes(raw, policy=policy.compat32)
    if sorted(seen.keys()) != sorted(names):
        raise Invalid("a header value opens another header")
    subject = str(make_header(decode_header(re.sub(r"\r?\n", "", str(seen["Subject"])))))
    if subject != message.subject:
        raise Invalid("the subject would not be received as it was approved")


def _html(body: str, unsubscribe: str | None) -> str:
    paragraphs = [_linked(part).replace("\n", "<br>\r\n") for part in re.split(r"\n{2,}", body.strip("\n"))]
    text = "\r\n".join(f"<p>{part}</p>" for part in paragraphs)
    foot = (
        f'\r\n<p style="font-size:12px;color:#666"><a href="{escape(unsubscribe)}">Unsubscribe</a></p>'
        if unsubscribe
        else ""
    )
    return f"<!DOCTYPE html>\r\n<html><body>\r\n{text}{foot}\r\n</body></html>\r\n"


def _linked(text: str) -> str:
    parts, end = [], 0
    for hit in _LINK.finditer(text):
        parts.append(escape(text[end : hit.start()]))
        parts.append(f'<a href="{escape(hit.group(0))}">{escape(hit.group(0))}</a>')
        end = hit.end()
    return "".join(parts) + escape(text[end:])

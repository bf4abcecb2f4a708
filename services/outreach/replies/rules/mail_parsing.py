"""Parsing of raw mail (RFC 5322): sender, references, text, and delivery reports (RFC 3464)."""

import re
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from hashlib import sha256

from services.outreach.replies.rules import new_text

_MESSAGE_ID = re.compile(r"<([^<>\s]{3,250})>")
_LINK = re.compile(r"/v1/unsubscribe/([A-Za-z0-9_.\-~]{20,600})")
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """One recipient of a delivery report: the message, the recipient, `action` and `status` (an RFC 3463 code)."""

    message_ids: list[str]
    recipient: str | None
    action: str
    status: str
    detail: str


@dataclass(frozen=True, slots=True)
class InboundMail:
    """An inbound mail. Message ids are without angle brackets; header names in lower case."""

    message_id: str | None
    sender: str
    subject: str
    references: list[str]
    tokens: list[str]
    """Unsubscribe tokens in the quoted text: they identify the conversation where a mail program drops References."""
    headers: dict[str, str]
    body: str
    digest: bytes
    reports: list[DeliveryReport] = field(default_factory=list)


def parse(raw: bytes) -> InboundMail:
    """The mail in `raw`. Bytes that cannot be decoded are replaced: no reply is lost to a broken encoding."""
    digest, raw = sha256(raw).digest(), raw.replace(b"\0", b"")
    message = message_from_bytes(raw, policy=policy.compat32)
    headers = {name.lower(): _decoded(str(value)) for name, value in message.items()}
    # Some mail programs fold a long id into encoded words; decoding joins the parts.
    own_id = _MESSAGE_ID.search(headers.get("message-id", ""))
    references = _ids(f"{headers.get('references', '')} {headers.get('in-reply-to', '')}")
    modern = message_from_bytes(raw, policy=policy.default)
    assert isinstance(modern, EmailMessage)
    body = _body(modern)
    return InboundMail(
        message_id=own_id.group(1) if own_id else None,
        sender=parseaddr(headers.get("from", ""))[1].strip().lower(),
        subject=headers.get("subject", "").strip(),
        references=references,
        tokens=list(
            dict.fromkeys(_LINK.findall(raw.decode("ascii", "replace").replace("=\r\n", "").replace("=\n", "")))
        ),
        headers=headers,
        body=body,
        digest=digest,
        reports=_reports(modern),
    )


def status_in(body: str) -> str:
    """The first RFC 3463 code in a text, or ""."""
    hit = _STATUS.search(body)
    return hit.group(0) if hit else ""


def message_ids_in(body: str) -> list[str]:
    """Message ids in a text, without angle brackets."""
    return list(dict.fromkeys(_MESSAGE_ID.findall(body)))


def _decoded(value: str) -> str:
    try:
        value = str(make_header(decode_header(value)))
    except (LookupError, UnicodeError, ValueError):
        pass
    return " ".join(new_text.storable(value).split())


def _ids(value: str) -> list[str]:
    """Message ids in reverse order: In-Reply-To first, then References with the newest first."""
    found = _MESSAGE_ID.findall(value)
    return list(dict.fromkeys(reversed(found)))


def _body(message: EmailMessage) -> str:
    """The plain text of a mail, or else the text of its HTML."""
    plain = html = None
    for part in message.walk():
        if part.is_multipart() or part.get_content_disposition() == "attachment":
            continue
        if part.get_content_type() == "text/plain" and plain is None:
            plain = _content(part)
        elif part.get_content_type() == "text/html" and html is None:
            html = _content(part)
        if part.get_content_type() in ("message/rfc822", "message/delivery-status"):
            break
    if plain is not None and plain.strip():
        return plain
    return new_text.from_html(html) if html is not None else (plain or "")


def _content(part: EmailMessage) -> str:
    data = part.get_payload(decode=True)
    data = data if isinstance(data, bytes) else b""
    for charset in (part.get_content_charset() or "utf-8", "utf-8"):
        try:
            return new_text.storable(data.decode(charset))
        except (LookupError, UnicodeDecodeError):
            continue
    return new_text.storable(data.decode("latin-1"))


def _header(message: EmailMessage, name: str) -> str:
    return new_text.storable(str(message.get(name) or "")).strip()


def _reports(message: EmailMessage) -> list[DeliveryReport]:
    """The recipients of a multipart/report of type delivery-status; [] for any other mail."""
    if message.get_content_type() != "multipart/report":
        return []
    ids: list[str] = []
    blocks: list[EmailMessage] = []
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            blocks = [block for block in part.get_payload() if isinstance(block, EmailMessage)]
        elif kind == "message/rfc822":
            inner = part.get_payload()
            if isinstance(inner, list) and inner and isinstance(inner[0], EmailMessage):
                ids += _MESSAGE_ID.findall(_header(inner[0], "Message-ID"))
        elif kind == "text/rfc822-headers":
            returned = re.search(r"^Message-ID:\s*<([^<>\s]+)>", _content(part), re.I | re.M)
            ids += [returned.group(1)] if returned else []
    reports = []
    for block in blocks:
        action = _header(block, "Action").lower()
        if not action:
            continue
        named = _header(block, "Final-Recipient") or _header(block, "Original-Recipient")
        recipient = named.partition(";")[2].strip()
        diagnostic = " ".join(_header(block, "Diagnostic-Code").partition(";")[2].split())
        status = _header(block, "Status") or (_STATUS.search(diagnostic) or [""])[0]
        reports.append(
            DeliveryReport(list(dict.fromkeys(ids)), recipient.lower() or None, action, status[:20], diagnostic[:500])
        )
    return reports

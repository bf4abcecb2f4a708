"""Complaints about a message (RFC 5965) and what providers send in their place."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from services.outreach.replies.rules import mail_headers
from services.outreach.replies.rules.mail_headers import Headers
from services.outreach.replies.rules.mime_parts import Part

MAX_TEXT = 200_000

SUPPRESSING = frozenset({"abuse", "opt-out", "opt-out-list", "fraud"})
_KINDS = SUPPRESSING | {"virus", "auth-failure"}
_RECIPIENT_FIELDS = ("original-rcpt-to", "removal-recipient", "x-original-rcpt-to", "redacted-address")
_RETURNED_FIELDS = ("x-hmxmroriginalrecipient", "x-original-to", "delivered-to", "to")
_ABOUT = re.compile(
    r"\b(complaint about (a )?message|abuse (report|complaint)|spam (report|complaint)|feedback report)\b", re.I
)
_LEAVES = re.compile(
    r"\b(sent (this|an) e?-?mail|requests?|asks?) to (unsubscribe|be (removed|unsubscribed)) from\b", re.I
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a provider reports of its user about our message. `kind`: a feedback type of RFC 5965 or 6591."""

    kind: str
    recipients: list[str] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)

    @property
    def suppresses(self) -> bool:
        """Whether nothing more may be sent: the person complained or wants out. A virus says neither."""
        return self.kind in SUPPRESSING


def complaint(root: Part, sender: str, own: set[str]) -> Complaint | None:
    """The complaint in a mail, or None. `own`: the addresses that the mail came to, which are ours."""
    for part in root.walk():
        if part.kind in ("message/feedback-report", "text/feedback-report"):
            return _of_report(part.text()[:MAX_TEXT], root, own)
    if found := _of_notification(root):
        return found
    headers = root.headers
    subject = headers.text("subject")
    returned = [part for part in root.walk() if part.kind == "message/rfc822"]
    if returned and _ABOUT.search(subject) and not _has_words(root):
        return _with_returned("abuse", [], [], root, own)
    automatic = headers.first("auto-submitted").lower().startswith("auto-")
    if automatic and sender and subject.strip().lower() == "unsubscribe" and _LEAVES.search(root.text()[:2_000]):
        return Complaint("opt-out", [sender], [])
    return None


def _has_words(root: Part) -> bool:
    return any(child.kind.startswith("text/") and len(child.text().split()) > 60 for child in root.children)


def _of_report(text: str, root: Part, own: set[str]) -> Complaint | None:
    fields = Headers([])
    if text.strip():
        data = (text.strip() + "\n\n").encode("utf-8", "replace")
        # Groups of fields with empty lines between them are one report.
        fields = mail_headers.split(re.sub(rb"\n\s*\n", b"\n", data), 0, len(data), whole=True)[0]
    kind = fields.first("feedback-type").strip().lower()
    if kind == "not-spam":
        return None
    ids = [
        each for name in ("message-id", "original-message-id") for each in mail_headers.message_ids(fields.first(name))
    ]
    recipients = fields.addresses(*_RECIPIENT_FIELDS)
    return _with_returned(kind if kind in _KINDS else "other" if kind else "abuse", recipients, ids, root, own)


def _with_returned(kind: str, recipients: list[str], ids: list[str], root: Part, own: set[str]) -> Complaint:
    for part in root.walk():
        if part.kind in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            headers = part.children[0].headers if part.children else _headers_of(part.text())
            ids += [each for each in mail_headers.message_ids(headers.first("message-id")) if each not in ids]
            for name in _RETURNED_FIELDS:
                if not recipients:
                    recipients = [each for each in headers.addresses(name) if each not in own]
    return Complaint(kind, recipients, ids)


def _headers_of(text: str) -> Headers:
    data = text[:MAX_TEXT].encode("utf-8", "replace")
    return mail_headers.split(data, 0, len(data), whole=True)[0]


def notification(root: Part) -> dict[str, Any]:
    """The JSON that a provider mails in place of a report (Amazon SES by SNS); {} for any other mail."""
    text = next((part.text() for part in root.walk() if part.kind == "text/plain"), "")[:MAX_TEXT].lstrip()
    if not text.startswith("{"):
        return {}
    # Lines may have been broken inside of words, and a footer may follow.
    for candidate in (text, re.sub(r"\r?\n ?", "", text)):
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return {}


def _of_notification(root: Part) -> Complaint | None:
    given = notification(root)
    about = given.get("complaint")
    if not isinstance(about, dict):
        return None
    listed = about.get("complainedRecipients")
    recipients = (
        [str(each.get("emailAddress", "")).lower() for each in listed if isinstance(each, dict)]
        if isinstance(listed, list)
        else []
    )
    kind = str(about.get("complaintFeedbackType") or "abuse").lower()
    if kind == "not-spam":
        return None
    return Complaint(kind if kind in _KINDS else "other", [each for each in recipients if "@" in each], sent_ids(given))


def sent_ids(given: dict[str, Any]) -> list[str]:
    """The Message-ID of the message that a notification is about."""
    mail = given.get("mail")
    common = mail.get("commonHeaders") if isinstance(mail, dict) else None
    value = common.get("messageId") if isinstance(common, dict) else None
    return mail_headers.message_ids(value) if isinstance(value, str) else []

"""Delivery reports and complaints: what a mail says about messages of ours that did not arrive, or were not wanted.

A report is known by its parts (RFC 3464), by the fields of one anywhere in the mail, or by words, where the mail comes
from a machine. A person who writes about a bounce, and an absence note, are neither.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from services.outreach.replies.rules import (
    bounce_signs,
    bounce_texts,
    complaints,
    delivery_status,
    mail_headers,
    mail_parsing,
)
from services.outreach.replies.rules.bounce_texts import FailedAddress
from services.outreach.replies.rules.complaints import Complaint
from services.outreach.replies.rules.delivery_status import StatusBlock
from services.outreach.replies.rules.mail_headers import Headers
from services.outreach.replies.rules.mail_parsing import InboundMail
from services.outreach.replies.rules.mime_parts import Part
from services.outreach.suppression.rules.mail_failures import ENHANCED, REPLY, mail_failure, reason

__all__ = ["Complaint", "DeliveryReport", "complaint", "failures"]

MAX_DETAIL = 1_000
MAX_WORDS = 8_000
"""How much is read of the words about all recipients together."""

_MESSAGE_PARTS = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global", "message/global-headers"}
)


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a report says about one recipient. `action` and `status` as in RFC 3464; `detail`: the server's words."""

    message_ids: list[str]
    """The Message-IDs of the returned message, then those that the report itself refers to."""
    recipient: str | None
    action: str
    status: str
    detail: str
    original_recipient: str | None = None
    """The address that the message was sent to, where the report names it or the returned message has only one."""
    reported_at: datetime | None = None
    """When the message arrived where it failed (Arrival-Date), or else the time of the report."""
    severity: str | None = field(default=None)
    """`hard`, `soft`, or None where it is not about the address (policy, content, a delivered message)."""


@dataclass(slots=True)
class _Returned:
    """What is known of the message that came back."""

    ids: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)

    def add(self, headers: Headers) -> None:
        self.ids += [each for each in mail_headers.message_ids(headers.first("message-id")) if each not in self.ids]
        self.recipients += [
            each for each in headers.addresses("to", "cc", "x-failed-recipients") if each not in self.recipients
        ]
        self.senders += headers.addresses("from", "return-path")


def complaint(mail: InboundMail) -> Complaint | None:
    """The complaint in a mail, or None; `not-spam` is none."""
    return complaints.complaint(mail.root, mail.sender, set(mail.recipients)) if mail.root else None


def failures(mail: InboundMail) -> list[DeliveryReport]:
    """The recipients that a delivery report names; [] for any other mail. Delayed and delivered ones are among them."""
    root = mail.root
    if root is None or mail.kind == "calendar_answer":
        return []
    if mail.kind == "read_receipt":
        return _by_words(mail, _returned(root), _words(root)) if _is_refusal(root) else []
    if any(part.kind == "message/feedback-report" for part in root.walk()):
        return []
    if found := _by_notification(complaints.notification(root)):
        return found
    if blocks := _status_blocks(root):
        return _by_blocks(mail, blocks, _returned(root), _words(root))
    if not bounce_signs.may_be_report(mail, root):
        return []
    return _by_words(mail, _returned(root), _words(root))


def _returned(root: Part) -> _Returned:
    returned = _Returned()
    for part in root.walk():
        if part.kind in _MESSAGE_PARTS and not any("delivery-status" in each.kind for each in part.walk()):
            if part.children:
                returned.add(part.children[0].headers)
            elif part.kind.endswith("headers"):
                returned.add(_headers_in(part.text()))
    return returned


def _is_refusal(root: Part) -> bool:
    """Whether a disposition notification says that a server deleted the message unread, as filters refuse one."""
    text = next((part.text() for part in root.walk() if part.kind == "message/disposition-notification"), "")
    return bool(re.search(r"^disposition:.{0,80}automatic-action.{0,80}deleted", text[:5_000], re.I | re.M))


def _headers_in(text: str) -> Headers:
    data = text[:100_000].encode("utf-8", "replace")
    return mail_headers.split(data, 0, len(data), whole=True)[0]


def _words(root: Part) -> str:
    """The text of the report itself, also where it is an attached file or the only text is HTML."""
    texts: list[str] = []
    for part in _outside_of_returned(root):
        untyped = not part.children and (part.kind in ("text", "") or (part is root and part.preamble[1] > 0))
        if part.kind == "text/plain" or (part.kind == "text/html" and not any(text.strip() for text in texts)):
            texts.append(mail_parsing.part_text(part)[:100_000])
        elif untyped:
            texts.append(part.text()[:100_000])
        if len(texts) > 5:
            break
    return "\n".join(texts)


def _outside_of_returned(part: Part) -> Iterator[Part]:
    """All parts but those of the returned message; a report that was forwarded as a whole is looked into."""
    yield part
    if part.kind in _MESSAGE_PARTS and not any("delivery-status" in each.kind for each in part.walk()):
        return
    for child in part.children:
        yield from _outside_of_returned(child)


def _status_blocks(root: Part) -> list[StatusBlock]:
    blocks: list[StatusBlock] = []
    for part in root.walk():
        if "delivery-status" in part.kind and not part.children:
            blocks += delivery_status.blocks(part.text())
    if blocks:
        return blocks
    for part in root.walk():
        if (part.kind.startswith("text/") and part.kind != "text/html") or part.preamble[1] > part.preamble[0]:
            begin, end = (part.start, part.end) if part.kind.startswith("text/") else part.preamble
            text = part.text() if part.kind.startswith("text/") else mail_parsing.new_part(part, begin, end).text()
            if fields := delivery_status.embedded(text):
                blocks += delivery_status.blocks(fields)
                break
    return blocks


def _by_blocks(mail: InboundMail, blocks: list[StatusBlock], returned: _Returned, words: str) -> list[DeliveryReport]:
    lines, below = bounce_texts.divided(words)
    if below:
        returned.add(_headers_in(below))
    failed = {each.address: each.text for each in bounce_texts.failed_addresses(lines, [], _ours(mail, returned))}
    ids = _ids(mail, returned)
    reports: dict[tuple[str | None, str], DeliveryReport] = {}
    room = max(MAX_WORDS // len(blocks), 200)
    for block in blocks:
        recipient = block.recipient() or _only([*failed]) or _only(returned.recipients)
        detail = block.diagnostic[:room]
        about = failed.get(recipient or "", "") if failed else "\n".join(lines)
        about = about[:room]
        if not reason(detail):
            # The fields say no reason; what is written for people may.
            detail = f"{detail} {about}".strip()
        status = _status(block, detail)
        action = (
            "delayed" if block.action == "failed" and status[:1] == "4" and "will" in block.fields else block.action
        )
        original = block.original() or (_only(returned.recipients) if len(blocks) == 1 else None)
        report = DeliveryReport(
            message_ids=[*ids, *_more_ids(block, ids)],
            recipient=recipient,
            action=action,
            status=status,
            detail=" ".join(detail.split())[:MAX_DETAIL],
            original_recipient=original,
            reported_at=_moment(block.fields.get("arrival-date", "")) or _moment(mail.headers.get("date", "")),
            severity=_severity(action, status, detail),
        )
        key = (recipient, original or "")
        known = reports.get(key)
        if known is None or (known.action == "delayed" and action == "failed"):
            reports[key] = report
    return list(reports.values())


def _status(block: StatusBlock, detail: str) -> str:
    """The status of a block: the field, unless it says less than the server's own reply does."""
    hit = ENHANCED.search(block.diagnostic)
    status = block.status
    if hit and (
        not status or status.endswith(".0.0") or (hit.group(1) == status[:1] and not hit.group(0).endswith(".0.0"))
    ):
        return hit.group(0)
    if status:
        return status
    found = ENHANCED.search(detail) or REPLY.search(detail)
    return found.group(0) if found else ""


def _severity(action: str, status: str, detail: str) -> str | None:
    if action in ("delivered", "relayed", "expanded"):
        return None
    severity = mail_failure(status, detail).severity
    return "soft" if action == "delayed" and severity == "hard" else severity


def _more_ids(block: StatusBlock, known: list[str]) -> list[str]:
    values = (block.fields.get(name, "") for name in ("x-original-message-id", "original-message-id", "message-id"))
    return [each for value in values for each in mail_headers.message_ids(value) if each not in known]


def _only(values: list[str]) -> str | None:
    return values[0] if len(values) == 1 else None


def _ids(mail: InboundMail, returned: _Returned) -> list[str]:
    return list(dict.fromkeys([*returned.ids, *mail.references]))


def _ours(mail: InboundMail, returned: _Returned) -> set[str]:
    """The addresses that a report mentions and does not mean: where it came to and from, and who sent the message."""
    # Not X-Original-To: some servers put the address that failed there.
    named = mail.root.headers.addresses("to", "cc", "delivered-to") if mail.root else []
    mine = {*named, *returned.senders, mail.sender}
    # A message to oneself fails at an address that is ours.
    return mine - set(returned.recipients) if returned.recipients and set(returned.recipients) <= mine else mine


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value[:100])
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _by_words(mail: InboundMail, returned: _Returned, words: str) -> list[DeliveryReport]:
    lines, below = bounce_texts.divided(words)
    came_back = bool(returned.ids or returned.recipients or below)
    if below:
        returned.add(_headers_in(below))
    root = mail.root
    assert root is not None
    known = [each for value in root.headers.all("x-failed-recipients") for each in mail_headers.addresses(value)]
    failed = bounce_texts.failed_addresses(lines, known, _ours(mail, returned))
    listed = any(each.listed for each in failed)
    if not bounce_signs.is_report(mail, root, lines, bool(known), came_back, listed):
        return []
    everything = "\n".join(lines)
    if not known:
        failed = _refused_by_list(mail, lines) or failed
    if not failed and not came_back and not bounce_signs.DAEMON.search(mail.headers.get("from", "")):
        return []
    if not failed:
        # Two recipients came back and the words name none: either may have failed, and the Message-ID says the rest.
        only = _only(returned.recipients) or _only(bounce_texts.generated_from(lines)) or ""
        failed = [FailedAddress(only, list(lines))]
    reports = []
    room = max(MAX_WORDS // len(failed), 200)
    delayed = bool(
        re.search(
            r"delay|warning|temporary failure report|not yet been delivered|will be retried",
            f"{mail.subject} {everything}"[:3_000],
            re.I,
        )
    )
    for each in failed:
        text = each.text[:room] if reason(each.text[:room]) or _code(each.text[:room]) else everything[:room]
        status = _code(text)
        action = "delayed" if delayed and status[:1] != "5" else "failed"
        original = _only(returned.recipients) if len(failed) == 1 else None
        reports.append(
            DeliveryReport(
                message_ids=_ids(mail, returned),
                recipient=each.address or None,
                action=action,
                status=status,
                detail=" ".join(text.split())[:MAX_DETAIL],
                original_recipient=original if original != each.address else None,
                reported_at=_moment(mail.headers.get("date", "")),
                severity=_severity(action, status, text),
            )
        )
    return reports


def _code(text: str) -> str:
    found = ENHANCED.search(text) or REPLY.search(text)
    return found.group(0) if found else ""


def _refused_by_list(mail: InboundMail, lines: list[str]) -> list[FailedAddress]:
    """The mailing list that refused a message: it is named in its own notice."""
    line = next((line for line in lines if bounce_signs.NOT_MEMBER.search(line)), "")
    named = [each.lower() for each in mail_headers.addresses_in(line)]
    return [FailedAddress(each, list(lines)) for each in named if each not in mail.recipients and each != mail.sender][
        :1
    ]


def _by_notification(given: dict[str, Any]) -> list[DeliveryReport]:
    """The recipients of a provider's notification."""
    about = given.get("bounce")
    if not isinstance(about, dict) or not isinstance(about.get("bouncedRecipients"), list):
        return []
    reports = []
    for each in about["bouncedRecipients"][: bounce_texts.MAX_RECIPIENTS]:
        if not isinstance(each, dict):
            continue
        status, detail = (
            str(each.get("status") or ""),
            str(each.get("diagnosticCode") or about.get("bounceSubType") or ""),
        )
        action = str(each.get("action") or ("delayed" if about.get("bounceType") == "Transient" else "failed")).lower()
        address = str(each.get("emailAddress") or "").strip().lower()
        reports.append(
            DeliveryReport(
                complaints.sent_ids(given),
                address or None,
                action,
                status,
                detail[:MAX_DETAIL],
                severity=_severity(action, status, detail),
            )
        )
    return reports

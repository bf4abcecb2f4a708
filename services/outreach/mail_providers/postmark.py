"""Postmark's inbound webhook: JSON with the raw mail (`RawEmail`, when the stream includes it) or its parsed fields.

Sources: https://postmarkapp.com/developer/webhooks/inbound-webhook and
https://postmarkapp.com/developer/user-guide/inbound/parse-an-email

Postmark signs nothing: the URL of the webhook has a login, https://user:password@host/...
"""

import asyncio
from typing import Any

from services.outreach.mail_providers.built_mail import Attachment, Body, build, with_missing
from services.outreach.mail_providers.webhooks import Webhook, bytes_of, check_login, json_object
from services.outreach.settings import Settings
from shared.errors import NotFound


async def raw_mail(settings: Settings, webhook: Webhook) -> bytes:
    """The mail in a request. Forbidden without the login, NotFound when none is configured."""
    login = settings.inbound_postmark_login.get_secret_value()
    if not login:
        raise NotFound("Postmark is not configured")
    check_login(webhook, login)
    content = json_object(webhook.body)
    raw = _text(content, "RawEmail")
    return raw.encode(errors="replace") if raw else await asyncio.to_thread(_built, content)


def _text(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    return value if isinstance(value, str) else ""


def _objects(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = content.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _built(content: dict[str, Any]) -> bytes:
    headers = [(_text(each, "Name"), _text(each, "Value")) for each in _objects(content, "Headers")]
    headers = with_missing(headers, [("From", _sender(content))])
    headers = with_missing(headers, [(name, _text(content, name)) for name in ("To", "Cc", "Subject", "Date")])
    headers = with_missing(headers, [("Reply-To", _text(content, "ReplyTo"))])
    headers = with_missing(headers, [("X-Original-Recipient", _text(content, "OriginalRecipient"))])
    if _text(content, "MessageID"):  # Postmark's own id, where the mail itself had none
        headers = with_missing(headers, [("Message-ID", f"<{_text(content, 'MessageID')}@inbound.postmarkapp.com>")])
    bodies = [
        Body(subtype, _text(content, name).encode(errors="replace"))
        for name, subtype in (("TextBody", "plain"), ("HtmlBody", "html"))
    ]
    attachments = [
        Attachment(
            _text(each, "ContentType"), _text(each, "Name"), bytes_of(each.get("Content")), _text(each, "ContentID")
        )
        for each in _objects(content, "Attachments")
    ]
    return build(headers, bodies, attachments)


def _sender(content: dict[str, Any]) -> str:
    """The sender with the name, which Postmark has apart from the address."""
    full = content.get("FromFull")
    full = full if isinstance(full, dict) else {}
    address, name = _text(full, "Email") or _text(content, "From"), _text(full, "Name") or _text(content, "FromName")
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>' if name and "<" not in address else address

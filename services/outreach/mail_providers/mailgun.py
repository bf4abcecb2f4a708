"""Mailgun's routes: a form with the raw mail (`body-mime`, when the URL ends with `mime`) or with its parsed fields.

Sources: https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http and
https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks

The signature covers `timestamp` and `token` only, so its age is what limits what a stolen one is good for. Mailgun
repeats whatever is not answered 200 for eight hours, it seems with the first signature: who prefers late mails to a
short time sets LEADFLOW_OUTREACH_INBOUND_MAX_AGE.
"""

import asyncio
import hmac

from services.outreach.mail_providers.built_mail import Attachment, Body, build, with_missing
from services.outreach.mail_providers.forms import Form, read_form
from services.outreach.mail_providers.webhooks import Webhook, check_age, lenient_json, seconds_of
from services.outreach.settings import Settings
from shared.errors import Forbidden, NotFound

_FIELDS = {
    "From": "from",
    "To": "recipient",
    "Subject": "subject",
    "Date": "Date",
    "Message-ID": "Message-Id",
    "In-Reply-To": "In-Reply-To",
    "References": "References",
    "Return-Path": "sender",
}
"""Headers, and the field of each."""


def signature(key: str, timestamp: str, token: str) -> str:
    """HMAC-SHA256 of timestamp and token, in hexadecimal digits."""
    return hmac.new(key.encode(), (timestamp + token).encode(), "sha256").hexdigest()


async def raw_mail(settings: Settings, webhook: Webhook) -> bytes:
    """The mail in a request. Forbidden without a valid signature, NotFound when no key is configured."""
    key = settings.inbound_mailgun_key.get_secret_value()
    if not key:
        raise NotFound("Mailgun is not configured")
    form = read_form(webhook.body, webhook.content_type)
    timestamp, token, given = form.text("timestamp"), form.text("token"), form.text("signature")
    if not token or not hmac.compare_digest(signature(key, timestamp, token).encode(), given.encode()):
        raise Forbidden("the request is not signed by Mailgun")
    check_age(webhook, seconds_of(timestamp), settings.inbound_max_age)
    return form.fields.get("body-mime") or await asyncio.to_thread(_built, form)


def _built(form: Form) -> bytes:
    headers = _headers(form.text("message-headers"))
    headers = with_missing(headers, [(name, form.text(field)) for name, field in _FIELDS.items()])
    bodies = [Body("plain", form.fields.get("body-plain", b"")), Body("html", form.fields.get("body-html", b""))]
    mapped = lenient_json(form.text("content-id-map"))
    content_ids = {str(field): name for name, field in mapped.items()} if isinstance(mapped, dict) else {}
    attachments = [
        Attachment(file.content_type, file.name, file.content, content_ids.get(file.field, ""))
        for file in form.files
        if file.field.startswith("attachment")
    ]
    return build(headers, bodies, attachments)


def _headers(text: str) -> list[tuple[str, str]]:
    """The headers of a JSON list of pairs; none where it is something else."""
    pairs = lenient_json(text)
    pairs = pairs if isinstance(pairs, list) else []
    return [(str(pair[0]), str(pair[1])) for pair in pairs if isinstance(pair, list) and len(pair) == 2]

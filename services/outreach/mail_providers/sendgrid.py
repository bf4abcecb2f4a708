"""SendGrid's Inbound Parse: a form with the raw mail (`email`) or with its parsed fields and their `charsets`.

Sources: https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/inbound-email,
https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/securing-your-parse-webhooks and, for the signature
itself, https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import asyncio
import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from services.outreach.mail_providers.built_mail import Attachment, Body, build, headers_of, with_missing
from services.outreach.mail_providers.forms import Form, read_form
from services.outreach.mail_providers.webhooks import Webhook, check_age, check_login, lenient_json, seconds_of
from services.outreach.settings import Settings
from shared.errors import Forbidden, NotFound, Transient

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"


async def raw_mail(settings: Settings, webhook: Webhook) -> bytes:
    """The mail in a request. Forbidden without a valid signature or login, NotFound when neither is configured."""
    login = settings.inbound_sendgrid_login.get_secret_value()
    if settings.inbound_sendgrid_public_key:
        _check_signature(webhook, settings.inbound_sendgrid_public_key)
        check_age(webhook, seconds_of(webhook.headers.get(TIMESTAMP, "")), settings.inbound_max_age)
    elif login:
        check_login(webhook, login)
    else:
        raise NotFound("SendGrid is not configured")
    form = read_form(webhook.body, webhook.content_type)
    return form.fields.get("email") or await asyncio.to_thread(_built, form)


def _check_signature(webhook: Webhook, public_key: str) -> None:
    """ECDSA with SHA-256 over the timestamp and the body, byte for byte."""
    try:
        key = load_der_public_key(base64.b64decode(public_key))
    except ValueError:
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise Transient("the public key of SendGrid is none")  # SendGrid repeats until the setting is corrected
    signed = webhook.headers.get(TIMESTAMP, "").encode() + webhook.body
    try:
        key.verify(base64.b64decode(webhook.headers.get(SIGNATURE, ""), validate=True), signed, ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        raise Forbidden("the request is not signed by SendGrid") from None


def _built(form: Form) -> bytes:
    found = lenient_json(form.text("charsets"))
    charsets = {name: str(each) for name, each in found.items()} if isinstance(found, dict) else {}

    def text(field: str) -> str:
        return form.text(field, charsets.get(field, "utf-8"))

    headers = headers_of(text("headers"))
    headers = with_missing(headers, [(name, text(name.lower())) for name in ("From", "To", "Cc", "Subject")])
    envelope = lenient_json(form.text("envelope"))
    if isinstance(envelope, dict) and isinstance(envelope.get("from"), str):
        headers = with_missing(headers, [("Return-Path", f"<{envelope['from']}>")])
    bodies = [
        Body(subtype, form.fields.get(field, b""), charsets.get(field, "utf-8"))
        for field, subtype in (("text", "plain"), ("html", "html"))
    ]
    about = lenient_json(form.text("attachment-info"))
    attachments = []
    for file in form.files:
        more = about.get(file.field) if isinstance(about, dict) else None
        more = more if isinstance(more, dict) else {}
        kind, name = file.content_type or str(more.get("type", "")), str(more.get("filename") or file.name)
        attachments.append(Attachment(kind, name, file.content, str(more.get("content-id", ""))))
    return build(headers, bodies, attachments)

"""Amazon SES by SNS: a signed message with a notification of SES in it, and the raw mail in that.

Sources: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html and
https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-examples.html

Anybody with an account at Amazon can publish signed messages, so only the topics of the settings count, each for the
tenant that it is given to. The signature covers the whole message: an old one can only repeat what is known.
"""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from services.outreach.mail_providers.sns import SNS
from services.outreach.mail_providers.webhooks import Webhook, check_age, json_object
from services.outreach.settings import Settings
from shared.errors import Forbidden, Invalid, NotFound

log = structlog.get_logger()

OLDEST = 8 * 3600.0
"""Seconds. The timestamp is of the publication, and a delivery is repeated for an hour or more afterwards."""
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


async def raw_mail(settings: Settings, webhook: Webhook) -> bytes | None:
    """The mail in a message, None when it is about something else: a subscription is confirmed.

    Forbidden without a valid signature, or for a topic that is not this tenant's; NotFound when none is configured.
    """
    if not settings.inbound_ses_topics:
        raise NotFound("Amazon SES is not configured")
    message = json_object(webhook.body)
    topic = message.get("TopicArn")
    if not isinstance(topic, str) or settings.inbound_ses_topics.get(topic) != webhook.tenant:
        raise Forbidden("the message is of a topic that is not this tenant's")
    check_age(webhook, _time_of(message), OLDEST)
    await _check_signature(message)
    if message.get("Type") == "SubscriptionConfirmation":
        await SNS.confirm(str(message.get("SubscribeURL", "")))
        log.info("ses.subscribed", topic=topic, tenant=webhook.tenant)
        return None
    if message.get("Type") != "Notification":
        log.info("ses.ignored", topic=topic, tenant=webhook.tenant, type=str(message.get("Type"))[:100])
        return None
    return _mail(json_object(str(message.get("Message", "")).encode(errors="replace")), topic, webhook.tenant)


def string_to_sign(message: dict[str, Any]) -> bytes:
    """The fields that are signed, each name and value on a line of its own."""
    names = _NOTIFICATION if message.get("Type") == "Notification" else _CONFIRMATION
    return "".join(f"{name}\n{message[name]}\n" for name in names if message.get(name) is not None).encode(
        errors="replace"
    )


async def _check_signature(message: dict[str, Any]) -> None:
    certificate = await SNS.certificate(str(message.get("SigningCertURL", "")))
    key = certificate.public_key()
    algorithm = {"1": SHA1(), "2": SHA256()}.get(str(message.get("SignatureVersion")))  # noqa: S303 - version 1 is SHA-1
    try:
        if algorithm is None or not isinstance(key, RSAPublicKey):
            raise InvalidSignature
        signature = base64.b64decode(str(message.get("Signature", "")), validate=True)
        key.verify(signature, string_to_sign(message), PKCS1v15(), algorithm)
    except (InvalidSignature, binascii.Error, ValueError):
        raise Forbidden("the message is not signed by Amazon SNS") from None


def _time_of(message: dict[str, Any]) -> float:
    try:
        moment = datetime.fromisoformat(str(message.get("Timestamp", "")))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise Forbidden("the message has no timestamp") from None


def _mail(notification: dict[str, Any], topic: str, tenant: str) -> bytes | None:
    """The mail in a notification of SES; its encoding is that of the SNS action."""
    if notification.get("notificationType") != "Received":
        log.info("ses.ignored", topic=topic, tenant=tenant, type=str(notification.get("notificationType"))[:100])
        return None
    content = notification.get("content")
    if not isinstance(content, str):
        raise Invalid("the notification has no content: the receipt rule needs an SNS action")
    receipt = notification.get("receipt")
    action = receipt.get("action") if isinstance(receipt, dict) else None
    encoding = str(action.get("encoding", "")) if isinstance(action, dict) else ""
    if encoding.upper() == "BASE64":
        try:
            return base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            log.warning("ses.not_base64", topic=topic, tenant=tenant)
    return content.encode(errors="replace")

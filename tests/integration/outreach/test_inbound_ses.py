"""Mails come in from Amazon SES by SNS: of configured topics only, signed by a certificate of Amazon."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from services.outreach.mail_providers import ses, sns
from tests.integration.outreach.inbound_webhooks import RAW, post, stored

TOPIC = "arn:aws:sns:eu-central-1:123456789012:mails"
CERTIFICATE_URL = (
    "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
)

SNS_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(common_name: str = "sns.amazonaws.com", days: int = 1) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(SNS_KEY.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=9)).not_valid_after(now + timedelta(days=days))
    return made.sign(SNS_KEY, SHA256()).public_bytes(Encoding.PEM)


class Amazon:
    """What answers in place of Amazon SNS, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.pem = certificate()

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return httpx.Response(200, content=self.pem)


@pytest.fixture
def amazon(monkeypatch, settings, tenant) -> Amazon:
    made = Amazon()
    monkeypatch.setattr(ses, "SNS", sns.Sns(httpx.MockTransport(made.answer)))
    settings(inbound_ses_topics={TOPIC: tenant})
    return made


def signed_by_sns(version: str = "2", age: float = 0, **fields: Any) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(seconds=age)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message = {"Type": "Notification", "MessageId": "m1", "TopicArn": TOPIC, "Timestamp": at, "Message": "x"}
    message |= {"SignatureVersion": version, "SigningCertURL": CERTIFICATE_URL, **fields}
    hashed = SHA1() if version == "1" else SHA256()
    signature = SNS_KEY.sign(ses.string_to_sign(message), PKCS1v15(), hashed)
    return {**message, "Signature": base64.b64encode(signature).decode()}


def of_ses(content: str, encoding: str = "UTF8") -> str:
    action = {"type": "SNS", "topicArn": TOPIC, "encoding": encoding}
    return json.dumps({"notificationType": "Received", "receipt": {"action": action}, "content": content})


async def test_a_mail_of_ses_is_stored_in_either_encoding_and_signature(office, tenant, amazon):
    plain, encoded = of_ses("Subject: ü\r\n\r\nGoats.\r\n"), of_ses(base64.b64encode(RAW).decode(), "BASE64")
    for message in (signed_by_sns("1", Message=plain, Subject="mail"), signed_by_sns("2", Message=encoded)):
        answer = await post(office, "ses", tenant, json=message)
        assert answer.status_code == 200, answer.text
    assert await stored(office, tenant) == ["Subject: ü\r\n\r\nGoats.\r\n".encode(), RAW]
    assert amazon.asked == [CERTIFICATE_URL]


@pytest.mark.parametrize(
    "change",
    [
        {"Message": of_ses("Subject: forged\r\n\r\n")},
        {"Signature": "bm9uZQ=="},
        {"Signature": "ä"},
        {"SignatureVersion": "3"},
        {"TopicArn": TOPIC.replace("mails", "others")},
        {"TopicArn": [TOPIC]},
        {"Timestamp": "yesterday"},
    ],
)
async def test_a_message_that_sns_did_not_sign_for_this_topic_is_refused(office, tenant, amazon, change):
    message = {**signed_by_sns(Message=of_ses("Subject: x\r\n\r\n")), **change}
    assert (await post(office, "ses", tenant, json=message)).status_code == 403
    assert await stored(office, tenant) == []


async def test_a_topic_counts_for_its_own_tenant_and_for_hours_only(office, tenant, amazon):
    assert (await post(office, "ses", "somebody-else", json=signed_by_sns())).status_code == 403
    late = signed_by_sns(age=2 * 3600, Message=of_ses("Subject: late\r\n\r\n"))
    assert (await post(office, "ses", tenant, json=late)).status_code == 200
    assert (await post(office, "ses", tenant, json=signed_by_sns(age=9 * 3600))).status_code == 403


@pytest.mark.parametrize(
    "url",
    [
        CERTIFICATE_URL.replace("https", "http"),
        CERTIFICATE_URL.replace("amazonaws.com", "amazonaws.com.evil.example"),
        CERTIFICATE_URL.replace("sns.eu-central-1", "bucket.s3"),
        CERTIFICATE_URL.replace("https://", "https://sns.eu-central-1.amazonaws.com@evil.example/"),
        CERTIFICATE_URL.replace(".com/", ".com:8443/"),
        "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription",
        "https://127.0.0.1/SimpleNotificationService-0123456789abcdef.pem",
        "file:///etc/passwd",
        "https://[",
        "",
    ],
)
async def test_a_certificate_is_fetched_from_amazon_sns_only(office, tenant, amazon, url):
    message = signed_by_sns(Message=of_ses("Subject: x\r\n\r\n"), SigningCertURL=url)
    assert (await post(office, "ses", tenant, json=message)).status_code == 403
    assert amazon.asked == []


async def test_a_certificate_that_is_foreign_or_has_run_out_signs_nothing(office, tenant, amazon):
    for pem, status in ((certificate("evil.example"), 403), (certificate(days=-1), 403), (b"none", 503)):
        amazon.pem = pem
        ses.SNS._known.clear()
        message = signed_by_sns(Message=of_ses("Subject: x\r\n\r\n"))
        assert (await post(office, "ses", tenant, json=message)).status_code == status
    amazon.pem = certificate()
    assert (await post(office, "ses", tenant, json=message)).status_code == 503
    assert len(amazon.asked) == 3, "an address that gave none is not asked again at once"


async def test_a_subscription_is_confirmed_for_a_configured_topic_only(office, tenant, amazon):
    url = f"https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t"
    asks = {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": url}
    answer = await post(office, "ses", tenant, json=signed_by_sns(**asks))
    assert answer.json() == {"outcome": "ignored", "mail_id": None}
    assert amazon.asked == [CERTIFICATE_URL, url]
    others = TOPIC.replace("mails", "others")
    for refused in (signed_by_sns(**asks, TopicArn=others), signed_by_sns(**{**asks, "SubscribeURL": "http://evil/"})):
        assert (await post(office, "ses", tenant, json=refused)).status_code == 403
    assert amazon.asked == [CERTIFICATE_URL, url]


async def test_other_notifications_of_ses_are_no_mail(office, tenant, amazon):
    bounce = signed_by_sns(Message=json.dumps({"notificationType": "Bounce"}))
    assert (await post(office, "ses", tenant, json=bounce)).json()["outcome"] == "ignored"
    without = signed_by_sns(Message=json.dumps({"notificationType": "Received"}))
    assert (await post(office, "ses", tenant, json=without)).status_code == 422
    assert await stored(office, tenant) == []

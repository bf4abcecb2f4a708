"""Mails come in by the webhooks of providers: signed ones only, in every shape that a provider documents."""

import base64
import json
import time
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from services.outreach.mail_providers import mailgun, sendgrid
from services.outreach.replies.rules import bounces, mail_parsing
from tests.integration.outreach.inbound_webhooks import RAW, basic, post, stored


def mailgun_fields(key: str = "mg-key", age: float = 0, **fields: Any) -> dict[str, Any]:
    timestamp, token = str(int(time.time() - age)), "t" * 50
    signed = {"timestamp": timestamp, "token": token, "signature": mailgun.signature(key, timestamp, token)}
    return {**signed, "recipient": "sales@acme.example", **fields}


async def test_an_unknown_provider_and_one_that_is_not_configured_do_not_exist(office, tenant, settings):
    for provider in ("gmail", "mailgun", "sendgrid", "postmark", "ses"):
        assert (await post(office, provider, tenant, json={})).status_code == 404
    settings(inbound_mailgun_key=SecretStr("mg-key"))
    assert (await post(office, "mailgun", "Not A Tenant", data=mailgun_fields())).status_code == 404


async def test_mailguns_raw_mail_is_stored_byte_for_byte(office, tenant, settings):
    settings(inbound_mailgun_key=SecretStr("mg-key"))
    files = {name: (None, value) for name, value in mailgun_fields(**{"body-mime": RAW}).items()}
    answer = await post(office, "mailgun", tenant, files=files)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "received")
    encoded = urlencode(mailgun_fields(**{"body-mime": RAW}))
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    assert (await post(office, "mailgun", tenant, content=encoded, headers=headers)).status_code == 200
    assert await stored(office, tenant) == [RAW, RAW]


@pytest.mark.parametrize(
    "fields",
    [
        {"key": "another"},
        {"age": 16 * 60},
        {"age": -16 * 60},
        {"signature": ""},
        {"timestamp": "nan"},
        {"timestamp": "today"},
        {"token": ""},
    ],
)
async def test_what_mailgun_did_not_sign_within_a_quarter_of_an_hour_is_refused(office, tenant, settings, fields):
    settings(inbound_mailgun_key=SecretStr("mg-key"))
    answer = await post(office, "mailgun", tenant, data=mailgun_fields(**{"body-mime": RAW, **fields}))
    assert answer.status_code == 403
    assert await stored(office, tenant) == []


async def test_a_timestamp_that_is_no_number_is_refused_though_it_is_signed(office, tenant, settings):
    settings(inbound_mailgun_key=SecretStr("mg-key"))
    for timestamp in ("nan", "inf", "soon"):
        signed = {"timestamp": timestamp, "token": "t", "signature": mailgun.signature("mg-key", timestamp, "t")}
        assert (await post(office, "mailgun", tenant, data=signed)).status_code == 403


async def test_mailguns_parsed_fields_become_a_mail_with_its_attachments(office, tenant, settings):
    settings(inbound_mailgun_key=SecretStr("mg-key"))
    headers = [
        ["From", "Zoë <zoe@lead.example>"],
        ["Subject", "Grüße\r\nBcc: x@y"],
        ["Message-Id", "<m1@lead.example>"],
    ]
    headers += [["In-Reply-To", "<ours@acme.example>"], ["Content-Type", "multipart/mixed; boundary=gone"]]
    fields = mailgun_fields(**{"message-headers": json.dumps(headers), "body-plain": "Grüße, 5 €", "from": "other"})
    fields["content-id-map"] = json.dumps({"<pic>": "attachment-2"})
    calendar = b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nEND:VCALENDAR\r\n"
    files = [(name, (None, value)) for name, value in fields.items()]
    files += [("attachment-1", ("Termin ü.ics", calendar, "text/calendar; method=REPLY"))]
    files += [("attachment-2", ("a.png", b"\x89PNG\x00\xff", "image/png"))]
    for _ in range(2):
        assert (await post(office, "mailgun", tenant, files=files)).status_code == 200
        fields |= mailgun_fields(age=1)
    raw, again = await stored(office, tenant)
    assert raw == again
    mail = mail_parsing.parse(raw)
    assert (mail.sender, mail.subject, mail.message_id) == ("zoe@lead.example", "Grüße Bcc: x@y", "m1@lead.example")
    assert mail.references == ["ours@acme.example"]
    assert "Grüße, 5 €" in mail.body
    assert b"image/png" in raw and base64.b64encode(b"\x89PNG\x00\xff") in raw and b"<pic>" in raw
    assert "bcc" not in mail.headers


async def test_a_delivery_report_that_was_taken_apart_is_one_again(office, tenant, settings):
    settings(inbound_mailgun_key=SecretStr("mg-key"))
    report = (
        b"Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; ada@lead.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    )
    fields = mailgun_fields(subject="Undelivered", **{"from": "MAILER-DAEMON@x.example", "body-plain": "It failed."})
    files = [(name, (None, value)) for name, value in fields.items()]
    files += [("attachment-1", ("status", report, "message/delivery-status"))]
    assert (await post(office, "mailgun", tenant, files=files)).status_code == 200
    (raw,) = await stored(office, tenant)
    (failure,) = bounces.failures(mail_parsing.parse(raw))
    assert failure.recipient == "ada@lead.example"


SENDGRID_KEY = ec.generate_private_key(ec.SECP256R1())
SENDGRID_PUBLIC = base64.b64encode(
    SENDGRID_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()


def signed_by_sendgrid(files: list[Any], age: float = 0) -> dict[str, Any]:
    """A multipart request with SendGrid's signature."""
    made = httpx.Request("POST", "http://x", files=files)
    body, timestamp = made.read(), str(int(time.time() - age))
    signature = SENDGRID_KEY.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    headers = {"Content-Type": made.headers["content-type"], sendgrid.TIMESTAMP: timestamp}
    return {"content": body, "headers": {**headers, sendgrid.SIGNATURE: base64.b64encode(signature).decode()}}


async def test_sendgrids_signed_raw_mail_is_stored_and_a_changed_or_old_one_refused(office, tenant, settings):
    settings(inbound_sendgrid_public_key=SENDGRID_PUBLIC)
    request = signed_by_sendgrid([("email", (None, RAW)), ("to", (None, "sales@acme.example"))])
    assert (await post(office, "sendgrid", tenant, **request)).status_code == 200
    assert await stored(office, tenant) == [RAW]
    forged = {**request, "content": request["content"].replace(b"Goats", b"Ghost")}
    unsigned = {**request, "headers": {**request["headers"], sendgrid.SIGNATURE: "bm9uZQ=="}}
    old = signed_by_sendgrid([("email", (None, RAW))], age=16 * 60)
    for refused in (forged, unsigned, old):
        assert (await post(office, "sendgrid", tenant, **refused)).status_code == 403
    assert len(await stored(office, tenant)) == 1


async def test_a_public_key_that_is_none_makes_sendgrid_repeat(office, tenant, settings):
    request = signed_by_sendgrid([("email", (None, RAW))])
    for key in ("no key", base64.b64encode(b"no key").decode()):
        settings(inbound_sendgrid_public_key=key)
        assert (await post(office, "sendgrid", tenant, **request)).status_code == 503


async def test_sendgrids_parsed_fields_keep_the_character_sets_they_came_in(office, tenant, settings):
    settings(inbound_sendgrid_login=SecretStr("hook:secret"))
    headers = "Message-ID: <s1@lead.example>\r\nSubject: A long\r\n one\r\nReferences: <ours@acme.example>\r\n"
    charsets = {"text": "iso-8859-2", "html": "utf-8", "from": "iso-8859-1"}
    about = {"attachment1": {"filename": "Plan.pdf", "type": "application/pdf", "content-id": "p1"}}
    files = [("headers", (None, headers)), ("text", (None, "Dziękuję".encode("iso-8859-2")))]
    files += [("from", (None, "Jürgen <j@lead.example>".encode("iso-8859-1"))), ("html", (None, "<p>Dziękuję</p>"))]
    files += [("charsets", (None, json.dumps(charsets))), ("attachment-info", (None, json.dumps(about)))]
    files += [("attachment1", ("Plan.pdf", b"%PDF-\xff", "application/pdf"))]
    assert (await post(office, "sendgrid", tenant, files=files)).status_code == 403
    assert (await post(office, "sendgrid", tenant, files=files, headers=basic("hook:guess"))).status_code == 403
    answer = await post(office, "sendgrid", tenant, files=files, headers=basic("hook:secret"))
    assert answer.status_code == 200, answer.text
    (raw,) = await stored(office, tenant)
    mail = mail_parsing.parse(raw)
    assert (mail.sender, mail.subject, mail.message_id) == ("j@lead.example", "A long one", "s1@lead.example")
    assert "Dziękuję" in mail.body
    assert "Jürgen" in mail.headers["from"]
    assert base64.b64encode(b"%PDF-\xff") in raw


async def test_postmarks_raw_mail_counts_when_it_is_there_and_its_fields_otherwise(office, tenant, settings):
    settings(inbound_postmark_login=SecretStr("hook:secret"))
    body: dict[str, Any] = {"From": "zoe@lead.example", "FromFull": {"Email": "zoe@lead.example", "Name": 'Zoë "Z"'}}
    body |= {"Subject": "Grüße", "MessageID": "22c74902", "TextBody": "Guten Tag, 5 €", "HtmlBody": "<p>Guten Tag</p>"}
    body |= {
        "Date": "Thu, 5 Apr 2012 16:59:01 +0200",
        "Headers": [{"Name": "Message-ID", "Value": "<p1@lead.example>"}],
    }
    body["Attachments"] = [
        {"Name": "ü.txt", "Content": "R29hdHMu", "ContentType": "text/plain"},
        {"Name": "odd", "Content": "no base64 \u00e4", "ContentType": "bad\r\ntype"},
    ]
    for headers in ({}, basic("hook:guess"), {"Authorization": "Bearer x"}, {"Authorization": "Basic ä".encode()}):
        assert (await post(office, "postmark", tenant, json=body, headers=headers)).status_code == 403
    for content in (body, {**body, "RawEmail": "Subject: raw\r\n\r\nGrüße\r\n"}):
        answer = await post(office, "postmark", tenant, json=content, headers=basic("hook:secret"))
        assert answer.status_code == 200, answer.text
    built, raw = await stored(office, tenant)
    assert raw == "Subject: raw\r\n\r\nGrüße\r\n".encode()
    mail = mail_parsing.parse(built)
    assert (mail.sender, mail.subject, mail.message_id) == ("zoe@lead.example", "Grüße", "p1@lead.example")
    assert "Guten Tag, 5 €" in mail.body
    assert (await post(office, "postmark", tenant, content=b"[1]", headers=basic("hook:secret"))).status_code == 400


async def test_the_answer_is_given_after_the_commit_and_a_failure_is_no_success(office, tenant, settings, monkeypatch):
    settings(inbound_mailgun_key=SecretStr("mg-key"))

    async def fails(*_: Any) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("services.outreach.replies.endpoints.store_mail", fails)
        answer = await post(office, "mailgun", tenant, data=mailgun_fields(**{"body-mime": RAW}))
    assert answer.status_code == 500
    assert await stored(office, tenant) == []


async def test_a_webhook_may_have_ten_megabytes_and_no_more(office, tenant, settings):
    settings(inbound_mailgun_key=SecretStr("mg-key"))
    for size, status in ((9_000_000, 200), (11_000_000, 413)):
        files = {name: (None, value) for name, value in mailgun_fields(**{"body-mime": b"x" * size}).items()}
        assert (await post(office, "mailgun", tenant, files=files)).status_code == status


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "multipart/form-data; boundary=x", ""])
async def test_a_body_that_is_no_form_is_refused_with_a_reason(office, tenant, settings, kind):
    settings(inbound_mailgun_key=SecretStr("mg-key"))
    answer = await post(office, "mailgun", tenant, content=b"--y\r\n\xff\x00", headers={"Content-Type": kind})
    assert answer.status_code in (400, 403)

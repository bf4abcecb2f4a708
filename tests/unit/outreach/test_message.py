"""The exact message: its hash, and the MIME that is sent."""

import json
from datetime import UTC, datetime
from email import message_from_bytes, policy
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from services.outreach.address_forms import on_the_wire
from services.outreach.sending.message import build_mime, thread_headers, valid_message
from shared.errors import Invalid

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def a_mail(subject: str = "Hello", body: str = "Dear Ada,\n\nbye\n", **more):
    return valid_message("email", "sales@acme.example", "ada@example.com", subject, body, **more)


def sent(message, **more):
    raw = build_mime(
        message, message_id="x.y@acme.example", date=NOW, unsubscribe="https://o.example/v1/unsubscribe/" + "t" * 160
    )
    return raw, message_from_bytes(raw, policy=policy.default)


def test_the_hash_covers_the_rfc_8785_json_of_exactly_six_parts():
    message = a_mail("Grüße", "Zeile\r\nzwei\n")
    parts = {
        "channel": "email",
        "from": "sales@acme.example",
        "to": "ada@example.com",
        "subject": "Grüße",
        "body": "Zeile\nzwei\n",
        "headers": {},
    }
    assert message.sha256 == sha256(rfc8785.dumps(parts)).hexdigest()
    assert json.loads(message.canonical()) == parts


@pytest.mark.parametrize(
    "subject",
    [
        "a\nBcc: x@evil.example",
        "a\r\nBcc: x@evil.example",
        "=?utf-8?q?a=0ABcc=3A_x=40evil.example?=",
        "=?utf-8?b?YQpCY2M6IHhAZXZpbC5leGFtcGxl?=",
        "a\x00b",
        "a\u2028Bcc: x@evil.example",
    ],
)
def test_no_subject_opens_another_header(subject):
    with pytest.raises(Invalid):
        a_mail(subject)


@pytest.mark.parametrize(
    "to", ["ada@example.com\nBcc: x@y.example", "ada@example.com, b@c.example", "<ada@example.com>", "ada"]
)
def test_a_recipient_is_one_plain_address(to):
    with pytest.raises(Invalid):
        valid_message("email", "sales@acme.example", to, "s", "b")


def test_a_domain_of_any_script_is_sent_in_ascii():
    message = valid_message("email", "sales@müller.example", "info@bücher.de", "s", "b\n")
    assert (message.to, message.from_) == ("info@bücher.de", "sales@müller.example"), "the hash covers what people read"
    raw, mail = sent(message)
    assert raw.split(b"\r\n\r\n")[0].isascii()
    assert (mail["To"], mail["From"]) == ("info@xn--bcher-kva.de", "sales@xn--mller-kva.example")
    assert on_the_wire("jörg@straße.de") == "jörg@xn--strae-oqa.de"


def test_a_local_part_beyond_ascii_is_kept_in_the_header():
    raw, _ = sent(valid_message("email", "sales@acme.example", "jörg@example.com", "s", "b\n"))
    assert "\r\nTo: jörg@example.com\r\n".encode() in raw


def test_a_domain_that_no_mail_server_can_have_is_refused_when_the_message_is_composed():
    with pytest.raises(Invalid):
        valid_message("email", "sales@acme.example", "ada@b\u2260ü..de", "s", "b")


def test_a_message_id_beyond_ascii_is_not_answered():
    assert thread_headers("ü@lead", ["1@us"]) == {}
    with pytest.raises(Invalid):
        a_mail(headers={"In-Reply-To": "<ü@lead>"})


def test_a_draft_sets_only_the_headers_of_threads():
    for headers in ({"Bcc": "x@y.example"}, {"References": "<a@b>\n x"}, {"In-Reply-To": "no id"}):
        with pytest.raises(Invalid):
            a_mail(headers=headers)


@settings(max_examples=300)
@given(
    st.text(max_size=200) | st.text(alphabet="ab =?_q.,\xe4", max_size=255),
    st.text(max_size=300) | st.text(alphabet=".\n ab\xe4", max_size=1_500),
)
def test_what_arrives_is_what_was_approved(subject, body):
    try:
        message = a_mail(subject, body)
    except Invalid:
        return
    raw, mail = sent(message)
    assert [name.lower() for name in mail] == (
        "from to subject date message-id list-unsubscribe list-unsubscribe-post mime-version content-type".split()
    )
    plain = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert plain.rstrip("\n") == message.body.rstrip("\n")
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


def test_the_unsubscribe_headers_are_those_of_rfc_8058():
    raw, mail = sent(a_mail())
    assert mail["List-Unsubscribe"].startswith("<https://o.example/v1/unsubscribe/ttt")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert b"=?utf-8?" not in raw.split(b"List-Unsubscribe:")[1].split(b"\r\n")[0]
    assert "https://o.example/v1/unsubscribe/" in mail.get_body(("html",)).get_content()


def test_the_html_part_has_the_same_text_and_no_scripts():
    _, mail = sent(a_mail(body="<script>alert(1)</script> & see https://a.example/x?y=1&z=2.\n"))
    html = mail.get_body(("html",)).get_content()
    assert "<script>" not in html
    assert '<a href="https://a.example/x?y=1&amp;z=2">' in html


def test_threads_refer_to_what_they_answer():
    headers = thread_headers("in@lead", ["1@us", "2@us"])
    assert headers == {"In-Reply-To": "<in@lead>", "References": "<1@us> <2@us> <in@lead>"}
    _, mail = sent(a_mail(headers=headers))
    assert mail["In-Reply-To"] == "<in@lead>"


def test_an_sms_has_no_subject_and_a_limit():
    assert valid_message("sms", "+12025550100", "+4915112345678", None, "hi").subject is None
    with pytest.raises(Invalid):
        valid_message("sms", "+12025550100", "+4915112345678", "subject", "hi")
    with pytest.raises(Invalid):
        valid_message("sms", "+12025550100", "+4915112345678", None, "x" * 1_601)

"""Parsing of raw mails: threads, encodings, delivery reports."""

from services.outreach.replies.rules import mail_parsing

DSN = b"""From: MAILER-DAEMON@mx.example
To: sales@acme.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <dsn-1@mx.example>
Content-Type: multipart/report; report-type=delivery-status; boundary="b"
MIME-Version: 1.0

--b
Content-Type: text/plain

I'm sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ada@gone.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: message/rfc822

From: sales@acme.example
To: ada@gone.example
Message-ID: <abc.def@acme.example>
Subject: hello

hello
--b--
"""


def test_a_delivery_report_names_our_message_the_recipient_and_the_status():
    (report,) = mail_parsing.parse(DSN).reports
    assert report.message_ids == ["abc.def@acme.example"]
    assert (report.recipient, report.action, report.status) == ("ada@gone.example", "failed", "5.1.1")


def test_headers_only_reports_are_read_too():
    raw = DSN.replace(b"message/rfc822", b"text/rfc822-headers")
    assert mail_parsing.parse(raw).reports[0].message_ids == ["abc.def@acme.example"]


def test_references_come_newest_first_and_once():
    raw = b"From: a@b.example\nReferences: <1@x> <2@x>\nIn-Reply-To: <2@x>\n\nhi"
    assert mail_parsing.parse(raw).references == ["2@x", "1@x"]


def test_encoded_subjects_and_names_are_readable():
    raw = b"From: =?utf-8?q?J=C3=B6rg?= <Joerg@X.example>\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\n\nhi"
    mail = mail_parsing.parse(raw)
    assert (mail.sender, mail.subject) == ("joerg@x.example", "Grüße")


def test_an_unknown_charset_and_broken_bytes_lose_no_reply():
    raw = b"From: a@b.example\nContent-Type: text/plain; charset=klingon\n\nplease st\xf6p writing to me"
    assert "writing to me" in mail_parsing.parse(raw).body


def test_html_is_read_where_there_is_no_plain_text():
    raw = b"From: a@b.example\nContent-Type: text/html\n\n<p>Yes, <b>send</b> it.</p><script>stop()</script>"
    assert mail_parsing.parse(raw).body == "Yes, send it."


def test_the_text_of_attachments_is_left_out():
    raw = (
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n"
        b"Content-Disposition: attachment\n\nSTOP\n--b\nContent-Type: text/plain\n\nYes\n--b--\n"
    )
    assert mail_parsing.parse(raw).body.strip() == "Yes"


def test_garbage_is_a_mail_without_content():
    mail = mail_parsing.parse(b"\xff\xfe\x00garbage")
    assert mail.sender == ""

"""Delivery reports and complaints, as mail servers send them. What people and absence notes send is neither."""

import json
from datetime import UTC, datetime

import pytest

from services.outreach.replies.rules import mail_parsing
from services.outreach.replies.rules.bounces import Complaint, DeliveryReport, complaint, failures

RETURNED = (
    "From: sales@acme.example\nTo: ada@gone.example\nMessage-ID: <abc.def@acme.example>\nSubject: hello\n\nhello\n"
)
FIELDS = (
    "Final-Recipient: rfc822; ada@gone.example\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 no such user\n"
)
STATUS = f"Reporting-MTA: dns; mx.example\nArrival-Date: Thu, 1 Jan 2026 10:00:00 +0100\n\n{FIELDS}"


def a_report(
    *parts: tuple[str, str], kind: str = "multipart/report; report-type=delivery-status", sender: str = ""
) -> bytes:
    body = "".join(f"--b\nContent-Type: {content_type}\n\n{content}\n" for content_type, content in parts)
    headers = f"From: {sender or 'MAILER-DAEMON@mx.example'}\nTo: sales@acme.example\nSubject: Returned mail\n"
    return f"{headers}MIME-Version: 1.0\nContent-Type: {kind}; boundary=b\n\n{body}--b--\n".encode()


def in_words(text: str, **headers: str) -> bytes:
    given = {
        "From": "Mail Delivery System <MAILER-DAEMON@mx.example>",
        "To": "sales@acme.example",
        "Subject": "failure notice",
    }
    lines = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in (given | headers).items())
    return f"{lines}Content-Type: text/plain; charset=utf-8\n\n{text}".encode()


def found(raw: bytes) -> list[DeliveryReport]:
    return failures(mail_parsing.parse(raw))


def complained(raw: bytes) -> Complaint | None:
    return complaint(mail_parsing.parse(raw))


def the_report(raw: bytes) -> DeliveryReport:
    (report,) = found(raw)
    return report


DSN = a_report(("text/plain", "I'm sorry."), ("message/delivery-status", STATUS), ("message/rfc822", RETURNED))


def test_a_report_names_our_message_the_recipient_the_status_and_the_time():
    report = the_report(DSN)
    assert report.message_ids == ["abc.def@acme.example"]
    assert (report.recipient, report.action, report.status) == ("ada@gone.example", "failed", "5.1.1")
    assert (report.severity, report.original_recipient) == ("hard", "ada@gone.example")
    assert report.reported_at is not None
    assert report.reported_at.astimezone(UTC) == datetime(2026, 1, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw",
    [
        DSN.replace(b"ada@gone.example", b"pat.o'brien@gone.example"),
        in_words(
            "Delivery to the following recipient failed:\n\n    pat.o'brien@gone.example\n\n550 5.1.1 unknown user"
        ),
        in_words("The address 'pat.o'brien@gone.example' failed: 550 5.1.1 no such user"),
    ],
)
def test_an_address_with_an_apostrophe_is_named_whole(raw):
    assert the_report(raw).recipient == "pat.o'brien@gone.example"


@pytest.mark.parametrize(
    "raw",
    [
        DSN.replace(b"message/rfc822", b"text/rfc822-headers"),
        DSN.replace(b"multipart/report; report-type=delivery-status", b"multipart/mixed"),
        DSN.replace(b"Status: 5.1.1\n", b"\nStatus: 5.1.1\n"),
        DSN.replace(b"Action: failed", b"ACTION : Failed (permanent)").replace(b"rfc822; ada", b"ada"),
        DSN.replace(b"boundary=b", b"boundary=another"),
        a_report(
            ("text/plain", "see below"),
            ("message/rfc822", DSN.decode()),
            kind="multipart/mixed",
            sender="it@acme.example",
        ),
        a_report(
            ("text/plain", f"An error occurred.\n\n{STATUS}"), ("message/rfc822", RETURNED), kind="multipart/mixed"
        ),
        in_words(
            "FYI\n\nBegin forwarded message:\n> "
            + STATUS.replace("\n", "\n> ")
            + "\n> Message-ID: <abc.def@acme.example>\n",
            From="Bob <bob@acme.example>",
            Subject="Fwd: Returned mail",
        ),
    ],
)
def test_a_report_is_read_in_any_wrapping(raw):
    (report,) = found(raw)
    assert (report.recipient, report.status, report.severity) == ("ada@gone.example", "5.1.1", "hard")


def test_every_recipient_has_its_own_report():
    two = (
        STATUS + "\n" + FIELDS.replace("ada@", "bob@").replace("5.1.1", "5.2.2").replace("no such user", "mailbox full")
    )
    reports = found(a_report(("message/delivery-status", two)))
    assert [(each.recipient, each.severity) for each in reports] == [
        ("ada@gone.example", "hard"),
        ("bob@gone.example", "soft"),
    ]


def test_a_delayed_message_is_never_hard_and_a_delivered_one_blames_nobody():
    delayed = the_report(a_report(("message/delivery-status", STATUS.replace("failed", "delayed"))))
    delivered = the_report(
        a_report(("message/delivery-status", STATUS.replace("failed", "delivered").replace("5.1.1", "2.0.0")))
    )
    assert (delayed.action, delayed.severity) == ("delayed", "soft")
    assert (delivered.action, delivered.severity) == ("delivered", None)


def test_the_words_for_people_decide_where_the_fields_say_nothing():
    fields = STATUS.replace("Status: 5.1.1", "Status: 5.0.0").replace("550 5.1.1 no such user", "550 error")
    text = "Your message was not delivered.\n\n<ada@gone.example>: {}\n"
    for words, severity in (("unknown user", "hard"), ("the mailbox is full", "soft"), ("blocked as spam", None)):
        raw = a_report(("text/plain", text.format(words)), ("message/delivery-status", fields))
        assert the_report(raw).severity == severity


def test_a_name_inside_of_the_servers_network_is_not_the_recipient():
    fields = FIELDS.replace("ada@gone.example", "ada@store-7") + "Original-Recipient: rfc822;ada@gone.example\n"
    assert the_report(a_report(("message/delivery-status", fields))).recipient == "ada@gone.example"


BELOW = f"\n------ This is a copy of the message ------\n\n{RETURNED}"


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        (
            "I was not able to deliver your message.\n\n<ada@gone.example>:\n192.0.2.1 said: 550 5.1.1 unknown user\n",
            "hard",
        ),
        ("The following address failed:\n\n  ada@gone.example\n    host mx.gone.example: 550 No such user\n", "hard"),
        (
            "Could not be delivered.\n\nada@gone.example on 1/2/2026\n   The recipient name is not recognized\n",
            "hard",
        ),
        ("   ----- Transcript of session follows -----\n550 <ada@gone.example>... Host unknown\n", "hard"),
        ("Unknown user: ada@gone.example\n", "hard"),
        (">>> RCPT TO:<ada@gone.example>\n<<< 550 5.1.1 User unknown\n", "hard"),
        ("There was an error delivering your mail to <ada@gone.example>.\n\n552 5.2.2 mailbox full\n", "soft"),
        ("Could not be delivered to: <ada@gone.example>\n   As their mailbox is full.\n", "soft"),
        ("Message delayed:\n\nada@gone.example: connection timed out, will be retried\n", "soft"),
        ("<ada@gone.example>: 550 5.7.1 rejected because of spam\n", None),
        ("このメールは送信できませんでした。\nada@gone.example\n宛先のユーザーが見つかりません\n", "hard"),
        ("您的邮件无法投递。\n<ada@gone.example>:\n收件人邮箱不存在\n", "hard"),
        ("Ihre Nachricht konnte nicht zugestellt werden.\n\nada@gone.example\nEmpfänger unbekannt\n", "hard"),
        ("Votre message n'a pas pu être remis.\n\n<ada@gone.example>:\nla boîte de réception est pleine\n", "soft"),
        ("Письмо не может быть доставлено:\n\n  ada@gone.example\n    такого пользователя нет\n", "hard"),
        ("No se pudo entregar el mensaje.\n\nada@gone.example: el usuario no existe\n", "hard"),
    ],
)
def test_a_report_in_words_names_the_address_and_whether_it_is_at_fault(text, severity):
    report = the_report(in_words(text + BELOW))
    assert (report.recipient, report.severity) == ("ada@gone.example", severity)
    assert report.message_ids == ["abc.def@acme.example"]


def test_the_headers_of_the_report_name_the_recipients_where_the_words_do_not():
    raw = in_words("Something went wrong.", X_Failed_Recipients="ada@gone.example, Bob@gone.example", Subject="x")
    assert [each.recipient for each in found(raw)] == ["ada@gone.example", "bob@gone.example"]


def test_the_recipient_of_the_returned_message_failed_where_nobody_else_is_named():
    report = the_report(in_words("Message could not be delivered. Error: no valid recipients." + BELOW))
    assert (report.recipient, report.severity) == ("ada@gone.example", "hard")
    two = BELOW.replace("To: ada@gone.example", "To: ada@gone.example, bob@gone.example")
    assert the_report(in_words("Message could not be delivered." + two)).recipient is None


@pytest.mark.parametrize(
    "sender", ["<>", "MAILER-DAEMON <>", "postmaster@mx.example", "Mail Delivery Subsystem <x@mx.example>"]
)
def test_servers_without_a_name_are_known_by_what_they_say(sender):
    assert found(in_words("<ada@gone.example>: 550 5.1.1 unknown user\n" + BELOW, From=sender))


def test_a_message_that_arrived_blames_nobody_also_without_a_status():
    fields = "Final-Recipient: rfc822; ada@gone.example\nAction: relayed\nDiagnostic-Code: smtp; 250 queued\n"
    assert the_report(a_report(("message/delivery-status", fields))).severity is None


def test_our_own_address_in_a_line_of_its_own_did_not_fail():
    text = "Could not be delivered. From:\n\nsales@acme.example\n\nTo:\n\nada@gone.example\n"
    assert [each.recipient for each in found(in_words(text))] == ["ada@gone.example"]


def test_our_own_address_and_helpers_are_never_the_ones_that_failed():
    text = (
        "Your message to <sales@acme.example> and\n\n<ada@gone.example>:\n550 unknown user\n\npostmaster@mx.example\n"
    )
    assert the_report(in_words(text + "For help contact <help@mx.example>\n")).recipient == "ada@gone.example"


def test_the_notification_of_a_provider_is_a_report_or_a_complaint():
    bounce = {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bouncedRecipients": [
                {
                    "emailAddress": "ada@gone.example",
                    "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 5.1.1 unknown user",
                }
            ],
        },
        "mail": {"commonHeaders": {"messageId": "<abc.def@acme.example>"}},
    }
    report = the_report(in_words(json.dumps(bounce), From="no-reply@provider.example", Subject="Notification"))
    assert (report.recipient, report.severity, report.message_ids) == (
        "ada@gone.example",
        "hard",
        ["abc.def@acme.example"],
    )
    called = {
        "complaint": {"complainedRecipients": [{"emailAddress": "Ada@gone.example"}], "complaintFeedbackType": "abuse"}
    }
    assert complained(in_words(json.dumps(called))) == Complaint("abuse", ["ada@gone.example"], [])


def test_a_list_that_takes_no_mail_from_us_is_the_address_that_failed():
    raw = in_words(
        "You are not a member of this list <goats@list.example>.",
        From="goats-admin@list.example",
        Subject="You are not a member",
        List_Id="goats",
    )
    assert the_report(raw).recipient == "goats@list.example"


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("Hi, your mail to ada@gone.example bounced: 550 5.1.1 user unknown. Use ann@lead.example.", {}),
        (
            "The delivery failed, the pallet could not be delivered to us. Call me at ann@lead.example.",
            {"Subject": "Re: delivery"},
        ),
        (
            "I got this:\n> <ada@gone.example>: 550 5.1.1 unknown user\nAny idea?",
            {"Subject": "Re: Undeliverable: offer", "In_Reply_To": "<1@acme.example>"},
        ),
        (
            "I am out of the office until Monday. Contact bob@lead.example.",
            {"Return-Path": "<>", "Auto-Submitted": "auto-replied"},
        ),
        (
            "Ich bin bis 3.2. im Urlaub, Ihre Mail wird nicht zugestellt. bob@lead.example",
            {"Return-Path": "<>", "Auto-Submitted": "auto-replied"},
        ),
        ("Your message was received. Ticket 5501 will be answered.", {"Auto-Submitted": "auto-generated"}),
        ("STOP", {"Return-Path": "<>"}),
    ],
)
def test_people_absences_and_other_machines_are_no_bounces(text, headers):
    ordinary = {"From": "Ann <ann@lead.example>", "Subject": "Re: hello"} | headers
    assert found(in_words(text, **ordinary)) == []
    assert complained(in_words(text, **ordinary)) is None


def test_a_read_receipt_is_no_report_unless_a_server_deleted_the_message_unread():
    receipt = "Final-Recipient: rfc822; ada@gone.example\nDisposition: {}\n"
    kind = "multipart/report; report-type=disposition-notification"
    shown = ("message/disposition-notification", receipt.format("manual-action/MDN-sent-manually; displayed"))
    deleted = ("message/disposition-notification", receipt.format("automatic-action/MDN-sent-automatically; deleted"))
    words = ("text/plain", "Your message to <ada@gone.example> was automatically rejected: quota exceeded")
    assert found(a_report(words, shown, kind=kind)) == []
    report = the_report(a_report(words, deleted, kind=kind))
    assert (report.recipient, report.severity) == ("ada@gone.example", "soft")


def feedback(kind: str, more: str = "", returned: str = RETURNED) -> bytes:
    fields = f"Feedback-Type: {kind}\nUser-Agent: x/1\nVersion: 1\n{more}"
    report = "multipart/report; report-type=feedback-report"
    return a_report(
        ("text/plain", "spam"),
        ("message/feedback-report", fields),
        ("message/rfc822", returned),
        kind=report,
        sender="fbl@isp.example",
    )


@pytest.mark.parametrize(
    ("kind", "suppresses"),
    [
        ("abuse", True),
        ("opt-out", True),
        ("opt-out-list", True),
        ("fraud", True),
        ("virus", False),
        ("other", False),
        ("auth-failure", False),
    ],
)
def test_a_complaint_names_its_kind_the_person_and_our_message(kind, suppresses):
    found_ = complained(feedback(kind))
    assert found_ == Complaint(kind, ["ada@gone.example"], ["abc.def@acme.example"])
    assert found_ is not None
    assert found_.suppresses is suppresses
    assert found(feedback(kind)) == []


def test_the_fields_of_a_complaint_name_the_person_before_the_message_does():
    assert complained(feedback("abuse", "Original-Rcpt-To: <x@isp.example>\n")).recipients == ["x@isp.example"]
    assert complained(feedback("opt-out", "Removal-Recipient: y@isp.example\n")).recipients == ["y@isp.example"]


def test_not_spam_is_no_complaint():
    assert complained(feedback("not-spam")) is None


def test_a_complaint_without_its_fields_and_a_request_by_a_mail_program_are_complaints():
    wrapped = a_report(("message/rfc822", RETURNED), kind="multipart/mixed", sender="staff@isp.example")
    wrapped = wrapped.replace(b"Subject: Returned mail", b"Subject: complaint about message from 192.0.2.1")
    assert complained(wrapped) == Complaint("abuse", ["ada@gone.example"], ["abc.def@acme.example"])
    request = in_words(
        "The mail program sent this email to unsubscribe from the list.",
        From="ada@gone.example",
        Subject="unsubscribe",
        Auto_Submitted="auto-generated",
    )
    assert complained(request) == Complaint("opt-out", ["ada@gone.example"], [])

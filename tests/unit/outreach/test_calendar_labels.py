"""The label of what a calendar sends for a person. Invented mails."""

import pytest

from services.outreach.replies.rules.mail_reading import read_mail

GOOGLE = "Auto-Submitted: auto-generated\n"


def a_calendar(
    method: str, status: str = "NEEDS-ACTION", comment: str = "", text: str = "", headers: str = ""
) -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        "SUMMARY:Demo",
        "DTSTART:20260303T140000Z",
        f"ATTENDEE;PARTSTAT={status}:mailto:ann@lead.example",
        *([f"COMMENT:{comment}"] if comment else []),
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    calendar = "\n".join(lines)
    return (
        f"From: ann@lead.example\nSubject: Demo\n{headers}Content-Type: multipart/mixed; boundary=b\n\n"
        f"--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        f"--b\nContent-Type: text/calendar; method={method}\n\n{calendar}\n--b--\n"
    ).encode()


@pytest.mark.parametrize("headers", ["", GOOGLE])
@pytest.mark.parametrize(
    ("method", "status"),
    [("REPLY", "ACCEPTED"), ("REPLY", "TENTATIVE"), ("COUNTER", "DECLINED"), ("REQUEST", "NEEDS-ACTION")],
)
def test_who_accepts_or_proposes_a_time_wants_to_meet(method, status, headers):
    label = read_mail(a_calendar(method, status, headers=headers)).classification
    assert (label.label, label.needs_human, label.method) == ("meeting_request", False, "rules")


@pytest.mark.parametrize("headers", ["", GOOGLE])
@pytest.mark.parametrize(("method", "status"), [("REPLY", "DECLINED"), ("CANCEL", "DECLINED")])
def test_who_declines_a_time_without_a_word_is_for_a_human(method, status, headers):
    label = read_mail(a_calendar(method, status, headers=headers)).classification
    assert (label.label, label.needs_human) == ("other", True)
    assert "Demo, Tuesday 3 March 2026" in label.because


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("No thanks\\, we are not interested.", "declined"),
        ("Not now\\, please ask again in September.", "later"),
        ("Could we do Thursday at 10:30 instead?", "meeting_request"),
        ("Please take me off your list.", "opt_out"),
    ],
)
def test_what_is_typed_with_a_no_decides(said, label):
    assert read_mail(a_calendar("REPLY", "DECLINED", comment=said)).classification.label == label
    assert read_mail(a_calendar("REPLY", "DECLINED", comment=said, headers=GOOGLE)).classification.label == label
    assert read_mail(a_calendar("REPLY", "DECLINED", text=said.replace("\\", ""))).classification.label == label


def test_the_words_of_a_calendar_that_sends_by_itself_do_not_count():
    text = "Ann Lee has declined this invitation. We will not be interested, and never attend."
    label = read_mail(a_calendar("REPLY", "DECLINED", text=text, headers=GOOGLE)).classification
    assert (label.label, label.needs_human) == ("other", True)


def test_an_opt_out_beside_a_yes_is_one():
    raw = a_calendar("REPLY", "ACCEPTED", comment="Please take me off your list.")
    assert read_mail(raw).classification.label == "opt_out"

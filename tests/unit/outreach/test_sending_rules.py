"""When a message may be sent, the outcome of an attempt, when a channel is used up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from services.outreach.rules import KIND_STAGES, MODES, Kind, Mode, Window, stage_refusal
from services.outreach.sending.rules import (
    ChannelUse,
    Go,
    Refuse,
    SendConditions,
    Wait,
    decide,
    exhausted,
    retry_at,
    sms_outcome,
    smtp_outcome,
    used_up_at,
)
from services.outreach.suppression.rules import (
    Suppression,
    address_state,
    blocklists,
    mail_failure,
    sms_failure,
    suppression_refusal,
)

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
FINE = SendConditions(
    channel="email",
    kind="first",
    to="ada@example.com",
    own_sender=True,
    cause_at=NOW - timedelta(hours=1),
    lead_known=True,
    address="ada@example.com",
    address_state="valid",
    suppressed=None,
    opted_out=False,
    merged=False,
    consent="unknown",
    unknown_allows=("email",),
    mode="blended",
    stage="new",
    stage_rule=None,
    last_reply_at=None,
    timezone=None,
    windows=(),
    sent_today=0,
    per_day=500,
    day_ends=NOW + timedelta(hours=14),
    last_sent_at=None,
    spacing=timedelta(0),
)


def test_a_message_without_any_obstacle_is_sent():
    assert decide(FINE, NOW) == Go()


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"lead_known": False}, "not known"),
        ({"merged": True}, "merged"),
        ({"opted_out": True}, "opted out"),
        ({"suppressed": "the address is suppressed (operator)"}, "suppressed"),
        ({"address": "new@example.com"}, "changed"),
        ({"address_state": "invalid"}, "does not work"),
        ({"own_sender": False}, "send from this address"),
        ({"mode": "sms_only"}, "mode"),
        ({"consent": "denied"}, "denied"),
        ({"unknown_allows": ()}, "nobody gave consent"),
        ({"last_reply_at": NOW}, "written since"),
        ({"stage": "contacted"}, "makes no sense"),
        ({"stage": "dead"}, "makes no sense"),
    ],
)
def test_an_obstacle_that_stays_refuses_the_message_with_the_reason(change, because):
    decision = decide(replace(FINE, **change), NOW)
    assert isinstance(decision, Refuse)
    assert because in decision.reason


def test_caps_spacing_and_windows_only_delay():
    assert decide(replace(FINE, sent_today=500), NOW) == Wait(
        FINE.day_ends, "the mailbox has sent its 500 messages of today"
    )
    spaced = replace(FINE, last_sent_at=NOW - timedelta(seconds=10), spacing=timedelta(seconds=30))
    assert decide(spaced, NOW).until == NOW + timedelta(seconds=20)
    weekdays = Window.of(["mon", "tue"], "09:00", "17:00")
    assert decide(replace(FINE, windows=(weekdays,), timezone="Europe/Berlin"), NOW) == Go()
    tokyo = decide(replace(FINE, windows=(weekdays,), timezone="Asia/Tokyo"), NOW)
    assert tokyo.until == datetime(2026, 11, 30, 0, 0, tzinfo=UTC)


def test_a_reply_older_than_the_cause_does_not_refuse_the_message():
    assert decide(replace(FINE, last_reply_at=FINE.cause_at), NOW) == Go()


def test_a_follow_up_to_a_contacted_lead_is_for_revived_ones():
    assert stage_refusal("follow_up", "contacted", "first-message")
    assert stage_refusal("follow_up", "contacted", "revived") is None


@pytest.mark.parametrize(
    ("step", "code", "state"),
    [
        ("connect", None, "queued"),
        ("connect", 554, "queued"),
        ("tls", None, "queued"),
        ("login", 535, "queued"),
        ("mail", 421, "queued"),
        ("mail", None, "queued"),
        ("rcpt", 450, "queued"),
        ("rcpt", 550, "failed"),
        ("rcpt", None, "queued"),
        ("data", 451, "queued"),
        ("data", None, "queued"),
        ("data", 554, "failed"),
        ("body", 250, "sent"),
        ("body", 452, "queued"),
        ("body", 552, "failed"),
        ("body", None, "unknown"),
    ],
)
def test_only_silence_after_the_message_is_unknown(step, code, state):
    assert smtp_outcome(step, code, "text").state == state


@pytest.mark.parametrize(
    ("step", "detail", "blames"),
    [
        ("rcpt", "no such user", True),
        ("rcpt", "5.1.1 no such user", True),
        ("rcpt", "5.1.8 the sender's domain does not exist", False),
        ("data", "5.1.1 no such user", True),
        ("body", "5.1.1 no such user", True),
        ("body", "5.3.4 too large", False),
        ("body", "too large", False),
    ],
)
def test_a_refusal_blames_the_address_where_it_is_about_the_recipient(step, detail, blames):
    assert smtp_outcome(step, 550, detail).blames_address == blames


@pytest.mark.parametrize(
    ("status", "connected", "state"),
    [
        (201, True, "sent"),
        (429, True, "queued"),
        (503, True, "queued"),
        (401, True, "queued"),
        (403, True, "queued"),
        (404, True, "queued"),
        (408, True, "queued"),
        (400, True, "failed"),
        (500, True, "unknown"),
        (None, True, "unknown"),
        (None, False, "queued"),
    ],
)
def test_a_provider_that_may_have_the_message_is_not_asked_again(status, connected, state):
    assert sms_outcome(status, "", "", connected).state == state


@pytest.mark.parametrize(
    ("code", "blames"),
    [("21211", True), ("30003", True), ("21610", True), ("21602", False), ("20003", False), ("", False)],
)
def test_a_provider_blames_the_number_only_by_a_code_that_is_about_it(code, blames):
    assert sms_outcome(400, code, "refused").blames_address == blames


def test_retries_back_off_for_two_days():
    assert retry_at(1, NOW, NOW) == NOW + timedelta(seconds=30)
    assert retry_at(4, NOW, NOW) == NOW + timedelta(minutes=4)
    assert retry_at(30, NOW, NOW) == NOW + timedelta(hours=1)
    assert retry_at(60, NOW - timedelta(hours=48), NOW) is None


def test_days_with_a_shut_window_between_two_attempts_are_no_reason_to_give_up():
    friday = NOW - timedelta(hours=64)
    assert retry_at(2, friday, NOW) == NOW + timedelta(minutes=1)
    assert retry_at(9, friday, NOW) == NOW + timedelta(hours=1)
    assert retry_at(10, friday, NOW) is None


def test_a_channel_is_used_up_after_four_messages_and_fourteen_days_without_a_reply():
    use = ChannelUse("email", 4, NOW - timedelta(days=14))
    assert used_up_at(use, None, 4, 14) == NOW
    assert used_up_at(replace(use, sent=3), None, 4, 14) is None
    assert used_up_at(use, NOW - timedelta(days=3), 4, 14) == NOW + timedelta(days=11)
    assert exhausted("blended", ["email", "sms"], ["email"]) is None
    assert exhausted("email_only", ["email"], ["email"]) == ["email"]
    assert exhausted("sms_only", [], []) is None


@pytest.mark.parametrize(
    ("code", "severity"),
    [
        ("5.1.1", "hard"),
        ("550", "hard"),
        ("5.2.2", "soft"),
        ("4.4.1", "soft"),
        ("452", "soft"),
        ("5.7.1", None),
        ("5.6.0", None),
    ],
)
def test_a_bounce_counts_against_the_address_only_when_it_is_about_it(code, severity):
    assert mail_failure(code).severity == severity


def test_one_hard_failure_or_five_soft_ones_make_an_address_invalid():
    soft, hard = mail_failure("4.2.2"), mail_failure("5.1.1")
    assert address_state("email", hard, [], NOW) == "invalid"
    assert address_state("email", soft, [NOW - timedelta(days=1)] * 3, NOW) == "soft"
    assert address_state("email", soft, [NOW - timedelta(days=1)] * 4, NOW) == "invalid"
    assert address_state("email", soft, [NOW - timedelta(days=15)] * 4, NOW) == "soft"
    assert address_state("sms", sms_failure("30003"), [NOW] * 2, NOW) == "invalid"
    assert sms_failure("21211").severity == "hard"


def test_an_operators_row_for_one_channel_closes_it_and_blocklists_nobody():
    rows = [Suppression("email", "operator")]
    assert suppression_refusal(rows, "email")
    assert suppression_refusal(rows, "sms") is None
    assert not blocklists(rows)
    assert blocklists([Suppression("all", "operator")])
    assert blocklists([Suppression("sms", "stop_word")])
    assert not blocklists([Suppression("email", "reply", retracted=True)])


def test_a_message_of_a_sequence_waits_for_both_windows_and_for_its_enrolment():
    weekdays, mondays = Window.of(["mon", "tue"], "09:00", "17:00"), Window.of(["mon"], "10:00", "11:00")
    both = decide(replace(FINE, kind="sequence", windows=(weekdays, mondays)), NOW)
    assert both == Wait(datetime(2026, 11, 30, 10, tzinfo=UTC), "outside the sending window")
    sundays = Window.of(["sun"], "10:00", "11:00")
    assert isinstance(decide(replace(FINE, windows=(weekdays, sundays)), NOW), Refuse)
    until = NOW + timedelta(days=3)
    paused = replace(FINE, kind="sequence", enrolment="paused", paused_until=until)
    assert decide(paused, NOW) == Wait(until, "its sequence is paused")
    for unknown in (None, NOW, NOW - timedelta(days=2)):
        later = Wait(NOW + timedelta(hours=1), "its sequence is paused")
        assert decide(replace(paused, paused_until=unknown), NOW) == later
    assert decide(replace(paused, enrolment="exited"), NOW) == Refuse("the enrolment has ended")
    assert decide(replace(paused, enrolment="active"), NOW) == Go()


def test_a_window_opens_on_its_next_day_whatever_daylight_saving_does():
    window = Window.of(["sun"], "09:00", "10:00")
    # clocks in Berlin go back on 25 October 2026
    assert window.next_open(datetime(2026, 10, 24, 12, 0, tzinfo=UTC), "Europe/Berlin") == datetime(
        2026, 10, 25, 8, 0, tzinfo=UTC
    )
    assert window.next_open(NOW, "No/Where").weekday() == 6


def test_every_mode_has_its_channels_and_every_kind_its_stages():
    assert tuple(MODES) == get_args(Mode)
    assert set(KIND_STAGES) == set(get_args(Kind))

"""What happens next in an enrolment: delays, windows, holidays, clocks that change, interruptions, a simulated year."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.outreach.drafts.rules import LeadChannel
from services.outreach.rules import Window, is_country, is_working_day, open_in_all, zone_of_lead
from services.outreach.sequences.rules import (
    Again,
    Calendar,
    Continue,
    Done,
    Enrolment,
    Exit,
    Happening,
    LeadState,
    Over,
    Pause,
    Resume,
    SequenceVersion,
    Skip,
    Step,
    Take,
    Wait,
    next_step,
    number_steps,
    on_reply,
    simulate,
    step_after_move,
    step_over,
    undecided,
)

NOW = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)  # a Friday
WEEKDAYS = Window.of(["mon", "tue", "wed", "thu", "fri"], "09:00", "17:00")


def a_step(number: int = 1, *, days: float = 3, channel: str = "email", **more) -> Step:
    text = {"subject": "A question", "body": "Hello"}
    return Step(**{"number": number, "channel": channel, "delay": timedelta(days=days), "working_days": False,
                   "review": "each", **text, **more})  # fmt: skip


def a_sequence(*steps: Step, **more) -> SequenceVersion:
    return SequenceVersion(steps or (a_step(1), a_step(2), a_step(3)), **more)


def a_channel(channel: str, **more) -> LeadChannel:
    known = {"channel": channel, "address": "x", "state": "valid", "consent": "granted", "suppressed": None}
    return LeadChannel(**{**known, **more})


def a_lead(zone: str = "UTC", *windows: Window, stage: str = "contacted", mode: str = "blended", **more) -> LeadState:
    channels = {each.channel: each for each in more.pop("channels", [a_channel("email"), a_channel("sms")])}
    return LeadState(stage, mode, channels, Calendar(zone, windows, more.pop("holidays", None)), **more)


def an_enrolment(at: datetime = NOW, step: int | None = 1, **more) -> Enrolment:
    return Enrolment(**{"state": "active", "step": step, "anchor_at": at, **more})


def test_a_step_waits_for_its_delay_and_is_then_taken():
    decision = next_step(a_sequence(), an_enrolment(), a_lead(), NOW)
    assert decision == Wait(NOW + timedelta(days=3), "the delay of the step")
    assert next_step(a_sequence(), an_enrolment(), a_lead(), NOW + timedelta(days=3)) == Take(a_step(1), "email")


def test_a_weekday_window_in_tokyo_opens_on_monday_at_nine_there():
    sequence = a_sequence(a_step(days=1))
    decision = next_step(sequence, an_enrolment(), a_lead("Asia/Tokyo", WEEKDAYS), NOW)
    monday = datetime(2026, 11, 30, 9, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert decision == Wait(monday.astimezone(UTC), "the sending window")


def test_a_day_is_the_same_local_time_on_the_next_day_when_the_clocks_change():
    berlin = ZoneInfo("Europe/Berlin")
    for enrolled in (datetime(2027, 3, 27, 10, tzinfo=berlin), datetime(2026, 10, 24, 10, tzinfo=berlin)):
        due = Calendar("Europe/Berlin").after(a_step(days=1), enrolled.astimezone(UTC))
        assert due.astimezone(berlin).replace(tzinfo=None) == (enrolled + timedelta(days=1)).replace(tzinfo=None)


def test_an_hour_that_does_not_exist_is_the_moment_at_which_the_clocks_are_put_forward():
    berlin, night = ZoneInfo("Europe/Berlin"), Window.of(["sun"], "02:30", "04:00")
    opens = night.next_open(datetime(2027, 3, 27, 12, tzinfo=UTC), "Europe/Berlin")
    assert opens.astimezone(berlin) == datetime(2027, 3, 28, 3, 0, tzinfo=berlin)
    assert night.next_open(opens, "Europe/Berlin") == opens


def test_an_hour_that_exists_twice_opens_a_window_at_its_first_time_only():
    night = Window.of(["sun"], "02:00", "03:00")
    opens = night.next_open(datetime(2026, 10, 24, 12, tzinfo=UTC), "Europe/Berlin")
    assert opens == datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    assert night.next_open(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/Berlin").hour == 1  # the second one
    sequence, enrolment = a_sequence(a_step(days=1)), an_enrolment(datetime(2026, 10, 24, 0, 30, tzinfo=UTC))
    story = simulate(sequence, enrolment, a_lead("Europe/Berlin", night), enrolment.anchor_at)
    assert [entry.what for entry in story] == ["sent", "done"]


def test_working_days_leave_out_weekends_and_holidays():
    step = a_step(days=2, working_days=True)
    christmas = datetime(2026, 12, 23, 10, tzinfo=UTC)  # a Wednesday
    assert Calendar("Europe/Berlin", (), None).after(step, christmas).date() == date(2026, 12, 25)
    assert Calendar("Europe/Berlin", (), "DE").after(step, christmas).date() == date(2026, 12, 28)
    assert not is_working_day(date(2026, 11, 27), "AE") or is_working_day(date(2026, 11, 27), "DE")
    assert is_country("DE-BY") and not is_country("DE-XX") and not is_country("Atlantis")


def test_a_window_stays_shut_on_a_holiday():
    window = replace(WEEKDAYS, holidays="DE")
    opens = window.next_open(datetime(2026, 12, 24, 20, tzinfo=UTC), "Europe/Berlin")
    assert opens == datetime(2026, 12, 28, 8, tzinfo=UTC)


def test_windows_that_are_never_open_together_are_found():
    mondays, tuesdays = Window.of(["mon"], "09:00", "10:00"), Window.of(["tue"], "09:00", "10:00")
    assert open_in_all((mondays, tuesdays), NOW, "UTC") is None
    assert open_in_all((mondays, WEEKDAYS), NOW, "UTC") == datetime(2026, 11, 30, 9, tzinfo=UTC)
    assert open_in_all((), NOW, None) == NOW


def test_a_lead_without_a_time_zone_has_its_countrys_and_else_the_tenants():
    assert zone_of_lead("Asia/Tokyo", "DE", "UTC") == "Asia/Tokyo"
    assert zone_of_lead(None, "de", "UTC") == "Europe/Berlin"
    assert zone_of_lead("Mars/Olympus", "JP", "UTC") == "Asia/Tokyo"
    assert zone_of_lead(None, None, "Europe/Lisbon") == zone_of_lead(None, "ZZ", "Europe/Lisbon") == "Europe/Lisbon"


def test_a_worker_that_comes_late_waits_for_the_window_too():
    late = datetime(2026, 11, 28, 3, tzinfo=UTC)
    decision = next_step(a_sequence(a_step(days=0)), an_enrolment(), a_lead("UTC", WEEKDAYS), late)
    assert decision == Wait(datetime(2026, 11, 30, 9, tzinfo=UTC), "the sending window")


def test_the_first_step_waits_until_the_lead_wants_to_hear_again():
    until = NOW + timedelta(days=60)
    decision = next_step(a_sequence(), an_enrolment(not_before=until), a_lead(), NOW)
    assert decision == Wait(until, "the lead asked to be left alone until then")


@pytest.mark.parametrize(
    ("mode", "channel", "expected"),
    [
        ("blended", "best", "email"),
        ("sms_only", "best", "sms"),
        ("email_only", "best", "email"),
        ("blended", "sms", "sms"),
        ("email_only", "sms", "outreach mode email_only does not use sms"),
    ],
)
def test_the_mode_steers_which_channel_a_step_takes(mode, channel, expected):
    step = a_step(days=0, channel=channel)
    decision = next_step(a_sequence(step), an_enrolment(), a_lead(mode=mode), NOW)
    assert decision == (Take(step, expected) if len(expected) < 6 else Skip(step, expected))


@pytest.mark.parametrize("rule", ["skip", "exit"])
def test_a_step_that_cannot_leave_is_skipped_or_ends_the_enrolment_with_the_reason(rule):
    step = a_step(days=0)
    lead = a_lead(channels=[a_channel("email", consent="denied"), a_channel("sms")])
    decision = next_step(a_sequence(step, if_blocked=rule), an_enrolment(), lead, NOW)
    reason = "consent for email is denied"
    assert decision == (Skip(step, reason) if rule == "skip" else Exit("blocked", reason))


def test_an_address_never_gets_a_step_twice():
    step = a_step(days=0)
    decision = next_step(a_sequence(step), an_enrolment(), a_lead(had=frozenset({(1, "email")})), NOW)
    assert decision == Skip(step, "there is a message of this step to the address by email already")


def test_an_invalid_address_ends_the_enrolment_when_no_other_channel_of_the_mode_is_left():
    broken = a_channel("email", state="invalid")
    assert isinstance(next_step(a_sequence(), an_enrolment(), a_lead(channels=[broken, a_channel("sms")]), NOW), Wait)
    only_mail = a_lead(mode="email_only", channels=[broken, a_channel("sms")])
    assert next_step(a_sequence(), an_enrolment(), only_mail, NOW) == Exit(
        "no_channel", "no address of outreach mode email_only works"
    )


@pytest.mark.parametrize(
    ("stage", "reason"),
    [("scheduled", "meeting"), ("won", "won"), ("lost", "disqualified"), ("bad_phone", "disqualified"),
     ("bad_contact", "disqualified"), ("moved_company", "disqualified"), ("dead", "opted_out"),
     ("exhausted", "exhausted"), ("qualified", "stage")],
)  # fmt: skip
def test_stages_end_an_enrolment(stage, reason):
    sequence = a_sequence(exit_stages=frozenset({"qualified"}))
    decision = next_step(sequence, an_enrolment(under_way=True), a_lead(stage=stage), NOW)
    assert isinstance(decision, Exit) and decision.reason == reason


def test_a_pause_ends_by_itself_or_by_a_person():
    paused = an_enrolment(state="paused", paused_until=NOW + timedelta(days=2))
    assert next_step(a_sequence(), paused, a_lead(), NOW) == Wait(NOW + timedelta(days=2), "paused")
    assert next_step(a_sequence(), paused, a_lead(), NOW + timedelta(days=2)) == Resume()
    assert next_step(a_sequence(), an_enrolment(state="paused"), a_lead(), NOW) == Over()


def test_nothing_happens_while_a_step_is_under_way_or_after_the_end():
    assert next_step(a_sequence(), an_enrolment(under_way=True), a_lead(), NOW + timedelta(days=99)) == Over()
    assert next_step(a_sequence(), an_enrolment(step=None), a_lead(), NOW) == Done()
    for state in ("done", "exited"):
        assert next_step(a_sequence(), an_enrolment(state=state), a_lead(), NOW) == Over()


def test_the_next_delay_counts_from_the_leaving_of_a_step():
    left = NOW + timedelta(days=12)
    enrolment = step_over(a_sequence(), an_enrolment(under_way=True, attempt=1), left)
    assert (enrolment.step, enrolment.attempt, enrolment.under_way) == (2, 0, False)
    assert next_step(a_sequence(), enrolment, a_lead(), left) == Wait(left + timedelta(days=3), "the delay of the step")


@pytest.mark.parametrize(("state", "rule"), [("rejected", "if_rejected"), ("expired", "if_expired")])
def test_the_sequence_decides_what_follows_a_draft_that_is_not_approved(state, rule):
    step = a_step()
    assert undecided(a_sequence(**{rule: "skip"}), step, state, 0, "dull") == Skip(step, f"the draft was {state}: dull")
    assert undecided(a_sequence(**{rule: "exit"}), step, state, 0, None) == Exit(state, f"the draft was {state}")
    again = a_sequence(**{rule: "ask_again"})
    assert undecided(again, step, state, 2, None) == Again()
    assert undecided(again, step, state, 3, None) == Exit(state, f"the draft was {state}, 3 times")


def test_labels_end_pause_or_leave_an_enrolment():
    calendar = Calendar("America/New_York")
    back = datetime(2026, 12, 7)
    assert on_reply("out_of_office", back, NOW, calendar) == Pause(
        datetime(2026, 12, 7, 14, 0, tzinfo=UTC), "out_of_office"
    )
    assert on_reply("out_of_office", None, NOW, calendar) == Pause(NOW + timedelta(days=7), "out_of_office")
    assert on_reply("other", None, NOW, calendar) == Pause(NOW + timedelta(days=3), "other")
    assert on_reply("auto_reply", None, NOW, calendar) == on_reply("bounce", None, NOW, calendar) == Continue()
    for label in ("interested", "question", "meeting_request", "later", "declined", "moved_company", "wrong_person"):
        assert on_reply(label, None, NOW, calendar) == Exit("reply", f"the lead replied: {label}")
    assert on_reply("opt_out", None, NOW, calendar) == Exit("opted_out", "the lead replied: opt_out")
    assert on_reply("other", None, NOW, calendar, by_human=True) == Exit("reply", "the lead replied: other")
    assert on_reply("bounce", None, NOW, calendar, by_human=True) == Continue()


def test_a_step_keeps_its_number_by_name_or_by_content():
    old = [{"step": 1, "channel": "email", "body": "a"}, {"step": 2, "channel": "email", "body": "b"}]
    new = [
        {"channel": "email", "body": "b"},
        {"channel": "email", "body": "c"},
        {"step": 1, "channel": "email", "body": "z"},
    ]
    assert number_steps(new, old, 2) == [2, 3, 1]
    assert number_steps(old, [], 2) == [1, 2]
    for wrong in ([{"step": 1}, {"step": 1}], [{"step": 9}]):
        with pytest.raises(ValueError):
            number_steps(wrong, old, 2)


def test_an_enrolment_moves_to_the_step_after_the_last_that_both_versions_have():
    old, new = a_sequence(a_step(1), a_step(2), a_step(3)), a_sequence(a_step(1), a_step(4), a_step(3))
    assert [step_after_move(old, new, step) for step in (1, 2, 3)] == [1, 4, 3]
    assert step_after_move(old, a_sequence(a_step(1)), 2) is None
    assert step_after_move(old, a_sequence(a_step(7)), 1) == 7


def test_the_simulation_lives_through_a_script():
    sequence = a_sequence(a_step(1, days=0), a_step(2, days=10), a_step(3, days=10))
    script = [
        Happening(NOW + timedelta(days=9), "reply", "out_of_office", NOW + timedelta(days=16)),
        Happening(NOW + timedelta(days=20), "reply", "interested"),
    ]
    story = simulate(sequence, an_enrolment(), a_lead(), NOW, script)
    assert [(entry.what, (entry.at - NOW).days) for entry in story] == [
        ("sent", 0), ("reply", 9), ("paused", 9), ("resumed", 15), ("sent", 15), ("reply", 20), ("exited", 20)
    ]  # fmt: skip


def test_a_draft_that_is_approved_late_delays_what_follows():
    sequence = a_sequence(a_step(1, days=1), a_step(2, days=1))
    story = simulate(sequence, an_enrolment(), a_lead(), NOW, review_takes=timedelta(days=4))
    assert [(entry.what, (entry.at - NOW).days) for entry in story] == [("sent", 5), ("sent", 10), ("done", 10)]


ZONES = ["UTC", "Asia/Tokyo", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]
labels = st.sampled_from(["out_of_office", "other", "auto_reply", "interested", "later", "opt_out"])


@st.composite
def scripts(draw):
    happenings = []
    for _ in range(draw(st.integers(0, 6))):
        at = NOW + timedelta(hours=draw(st.integers(0, 24 * 300)))
        kind = draw(st.sampled_from(["reply", "stage", "mode", "pause", "resume"]))
        value = {
            "reply": labels,
            "stage": st.sampled_from(["contacted", "engaged", "nurture", "won", "scheduled"]),
            "mode": st.sampled_from(["email_only", "sms_only", "blended"]),
        }.get(kind, st.just(""))
        until = draw(st.none() | st.integers(1, 40).map(lambda days, at=at: at + timedelta(days=days)))
        happenings.append(Happening(at, kind, draw(value), until))
    return happenings


@settings(max_examples=100)
@given(
    script=scripts(),
    zone=st.sampled_from(ZONES),
    delays=st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=8),
    window=st.none() | st.just(WEEKDAYS) | st.just(Window.of(["sun"], "01:30", "03:30")),
    review=st.integers(0, 200),
)
def test_a_year_sends_each_step_once_in_order_in_the_window_and_never_after_a_reply(
    script, zone, delays, window, review
):
    steps = [a_step(n, days=days, working_days=working) for n, (days, working) in enumerate(delays, 1)]
    lead = a_lead(zone, *([window] if window else []))
    story = simulate(a_sequence(*steps), an_enrolment(), lead, NOW, script, timedelta(hours=review))
    sent = [entry for entry in story if entry.what == "sent"]
    assert [entry.at for entry in story] == sorted(entry.at for entry in story)
    assert len({entry.step.number for entry in sent}) == len(sent)
    assert [entry.step.number for entry in sent] == sorted(entry.step.number for entry in sent)
    for entry in sent:
        assert window is None or window.next_open(entry.at, zone) == entry.at
    for earlier, later in pairwise(sent):
        if later.step.number == earlier.step.number + 1:
            assert later.at >= Calendar(zone).after(later.step, earlier.at)
    ends = [n for n, entry in enumerate(story) if entry.what in ("exited", "done")]
    assert ends in ([], [len(story) - 1])
    paused = False
    for entry in story:
        paused = entry.what == "paused" or (paused and entry.what not in ("resumed", "resume"))
        assert not (paused and entry.what == "sent"), "sent while paused"

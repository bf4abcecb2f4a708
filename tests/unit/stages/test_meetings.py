"""Meetings: booked, moved, cancelled, passed."""

from services.stages.rules import Stage
from tests.unit.stages.story import a_lead, day


def test_a_meeting_is_scheduled_then_completed_when_its_end_passes() -> None:
    lead = a_lead().booked(at=1, ends=3)
    assert lead.at(2.999).stage is Stage.SCHEDULED
    assert lead.at(3).stage is Stage.MEETING_COMPLETED
    assert lead.fold(4).transitions[-1].occurred_at == day(3)
    assert lead.at(4).meetings_held == 1


def test_a_second_booking_with_the_same_id_moves_the_meeting_and_makes_its_old_timer_void() -> None:
    lead = a_lead().booked(at=1, ends=3).booked(at=2, ends=6)
    assert lead.at(5).stage is Stage.SCHEDULED
    assert lead.at(6).stage is Stage.MEETING_COMPLETED
    assert lead.at(6).meetings_held == 1


def test_a_meeting_moved_to_an_earlier_time_passes_earlier() -> None:
    assert a_lead().booked(at=1, ends=6).booked(at=2, ends=3).at(3).stage is Stage.MEETING_COMPLETED


def test_a_booking_with_an_end_before_its_own_time_schedules_the_lead_and_completes_the_meeting_at_once() -> None:
    outcome = a_lead().booked(at=5, ends=2).fold(5)
    assert [(each.rule, each.occurred_at) for each in outcome.transitions] == [
        ("meeting-booked", day(5)),
        ("meeting-passed", day(5)),
    ]


def test_a_cancelled_meeting_sends_the_lead_back_to_engaged() -> None:
    assert a_lead().booked(ends=3).cancelled(at=1).at(9).stage is Stage.ENGAGED


def test_another_meeting_ahead_keeps_it_scheduled() -> None:
    lead = a_lead().booked("m1", ends=3).booked("m2", ends=8).cancelled("m1", at=1)
    assert lead.stage is Stage.SCHEDULED
    assert lead.ignored == "another meeting is ahead"
    assert lead.cancelled("m2", at=2).stage is Stage.ENGAGED


def test_a_meeting_is_ahead_when_it_is_not_cancelled_and_ends_after_the_cancellation() -> None:
    lead = a_lead().booked("m1", ends=3).booked("m2", ends=8).moved("scheduled", at=4).cancelled("m2", at=5)
    assert lead.at(5).stage is Stage.ENGAGED


def test_a_booking_later_than_a_cancellation_books_the_meeting_again() -> None:
    lead = a_lead().booked(at=1, ends=9).cancelled(at=2).booked(at=3, ends=9)
    assert lead.stage is Stage.SCHEDULED
    assert lead.at(9).stage is Stage.MEETING_COMPLETED


def test_a_cancellation_of_an_unknown_meeting_does_not_move_the_lead() -> None:
    lead = a_lead().moved("scheduled").cancelled("unknown")
    assert lead.stage is Stage.SCHEDULED
    assert lead.ignored == "nobody booked this meeting"


def test_a_cancellation_of_a_meeting_that_has_passed_does_not_move_the_lead() -> None:
    lead = a_lead().booked(at=1, ends=3).cancelled(at=4)
    assert lead.stage is Stage.MEETING_COMPLETED
    assert lead.ignored == "the meeting had already taken place"
    assert lead.journey.meetings_held == 1


def test_a_second_cancellation_changes_nothing() -> None:
    assert a_lead().booked(ends=3).cancelled(at=1).cancelled(at=2).ignored == "the meeting was already cancelled"


def test_a_meeting_passes_in_any_stage_and_counts_as_held() -> None:
    lead = a_lead().booked(ends=3).moved("nurture", at=1)
    assert lead.at(4).stage is Stage.NURTURE
    assert lead.at(4).meetings_held == 1


def test_a_meeting_moved_after_its_end_is_held_again_and_counts_once() -> None:
    lead = a_lead().booked(at=1, ends=3).booked(at=4, ends=6)
    assert lead.at(5).stage is Stage.SCHEDULED
    assert lead.at(5).meetings_held == 0
    assert lead.at(6).meetings_held == 1


def test_a_repeated_booking_of_a_meeting_that_has_passed_does_not_move_the_lead() -> None:
    lead = a_lead().booked(at=1, ends=3).moved("nurture", at=4).booked(at=5, ends=3)
    assert lead.stage is Stage.NURTURE


def test_a_second_meeting_can_follow_the_first() -> None:
    lead = a_lead().booked("m1", at=1, ends=3).booked("m2", at=4, ends=6)
    assert [each.rule for each in lead.fold(7).transitions] == [
        "meeting-booked",
        "meeting-passed",
        "meeting-booked",
        "meeting-passed",
    ]
    assert lead.at(7).meetings_held == 2

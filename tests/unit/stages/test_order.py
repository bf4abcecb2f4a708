"""Time and order: the stage depends on when signals happened, never on when they were received."""

from datetime import timedelta
from itertools import permutations

from services.stages.rules import Stage, can_advance, decided_at, fold
from tests.unit.stages.story import START, a_lead, a_signal, day


def test_the_order_of_arrival_changes_nothing() -> None:
    lead = a_lead().sent().replied("later").booked(ends=2).cancelled(at=1)
    journeys = [fold(each, lead.history, day(9)).journey for each in permutations(lead.signals)]
    assert all(journey == journeys[0] for journey in journeys)


def test_at_the_same_instant_the_event_id_decides_by_its_bytes() -> None:
    lead = a_lead().add("lead.assigned", 1, id="Z", owner="upper").add("lead.assigned", 1, id="a", owner="lower")
    assert lead.journey.owner == "lower"
    lead = a_lead().add("lead.assigned", 1, id="é", owner="accent").add("lead.assigned", 1, id="z", owner="z")
    assert lead.journey.owner == "accent"


def test_a_repeated_signal_counts_once() -> None:
    lead = a_lead().sent().booked(ends=1)
    lead.signals += lead.signals
    assert lead.rules == ["first-message", "meeting-booked"]


def test_events_of_two_types_may_have_the_same_id() -> None:
    """A calendar may name both by its own id of the meeting; an event is known by its type as well."""
    lead = a_lead().replied("interested", at=0.5)
    lead.add("meeting.booked", 1, id="m-17", meeting_id="m", starts_at=day(5), ends_at=day(6))
    lead.add("meeting.cancelled", 1, id="m-17", meeting_id="m")
    outcomes = [fold(each, lead.history, day(9)) for each in permutations(lead.signals)]
    assert {outcome.journey.stage for outcome in outcomes} == {Stage.ENGAGED}
    assert {outcome.journey.meetings_held for outcome in outcomes} == {0}
    lead.add("contact.opted_out", 2, id="s-1", channel="all", how="link")
    assert lead.add("sequence.enrolled", 1.5, id="s-1", enrolment_id="e").stage is Stage.DEAD


def test_a_manual_move_outranks_every_older_automatic_one() -> None:
    lead = a_lead().moved("nurture", at=5).replied("interested", at=4)
    assert lead.stage is Stage.NURTURE
    assert lead.rules == ["reply", "manual"]


def test_an_automatic_move_after_a_manual_one_counts() -> None:
    assert a_lead().moved("nurture", at=5).replied("interested", at=6).stage is Stage.ENGAGED


def test_an_opt_out_of_any_age_leaves_the_lead_dead_and_the_move_after_it_void() -> None:
    lead = a_lead().moved("qualified", at=5).opted_out(at=1)
    assert lead.stage is Stage.DEAD
    assert lead.ignored == "void: the lead is dead, and a dead lead is never revived"


def test_an_older_bounce_counts_for_its_address_after_a_manual_move() -> None:
    lead = a_lead(phone="+49 30 123").moved("contacted", at=5).bounced(at=1)
    assert lead.stage is Stage.CONTACTED
    assert lead.bounced(channel="sms", address="+4930123", at=6).stage is Stage.BAD_CONTACT


def test_an_older_booking_counts_for_its_meeting_after_a_manual_move() -> None:
    lead = a_lead().moved("engaged", at=5).booked(at=1, ends=8)
    assert lead.stage is Stage.ENGAGED
    assert lead.at(9).meetings_held == 1


def test_signals_older_than_the_capture_count() -> None:
    lead = a_lead().sent(at=-2)
    assert lead.stage is Stage.CONTACTED
    assert lead.journey.entered_at == day(-2)


def test_signals_without_a_capture_wait() -> None:
    lead = a_lead().sent().replied()
    outcome = fold(lead.signals[1:], lead.history, day(90))
    assert outcome.journey.created_on is None
    assert outcome.journey.stage is Stage.NEW
    assert not outcome.transitions and not outcome.ignored
    assert not can_advance(outcome.journey, lead.signals[:1])


def test_a_timer_comes_after_the_events_of_its_instant() -> None:
    lead = a_lead().booked(at=1, ends=3).cancelled(at=3)
    assert lead.at(4).stage is Stage.ENGAGED
    assert lead.at(4).meetings_held == 0


def test_a_timer_comes_before_the_events_after_its_instant() -> None:
    lead = a_lead().booked(at=1, ends=3).cancelled(at=3.0001)
    assert lead.at(4).stage is Stage.MEETING_COMPLETED


def test_a_timer_fires_at_its_due_time_however_late_it_is_folded() -> None:
    (_, quiet) = a_lead().sent(at=0.5).fold(300).transitions
    assert quiet.occurred_at == day(30.5)


def test_a_signal_at_the_instant_of_a_fired_timer_is_older_than_the_timer() -> None:
    journey = a_lead().booked(at=1, ends=3).at(3)
    assert journey.stage is Stage.MEETING_COMPLETED
    assert not can_advance(journey, [a_signal("message.sent", 3, "zzz")])
    assert can_advance(journey, [a_signal("message.sent", 3.0001, "zzz")])


def test_a_decision_of_a_person_is_later_than_all_signals_they_saw() -> None:
    journey = a_lead().sent(at=1).journey
    assert decided_at(journey, day(2)) == day(2)
    assert decided_at(journey, day(1)) == day(1) + timedelta(microseconds=1)
    assert decided_at(journey, START) == day(1) + timedelta(microseconds=1)


def test_advance_is_refused_for_an_older_signal() -> None:
    journey = a_lead().sent(at=2).journey
    assert not can_advance(journey, [a_signal("reply.received", 1, "r", reply_id="r", label="later")])


def test_advance_is_refused_for_a_journey_of_other_rules() -> None:
    journey = a_lead().journey
    journey.rules_version = 0
    assert not can_advance(journey, [])

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.goals.rules.meetings import MeetingSignal, meetings_at
from tests.unit.goals.builders import START, at

NOW = at(days=10)


def booking(ends, *, time=START, id="b", meeting="m"):
    return MeetingSignal(time, id, "test", meeting, ends)


def cancellation(time, *, id="c", meeting="m"):
    return MeetingSignal(time, id, "test", meeting, None)


def test_a_meeting_is_held_when_its_end_has_passed():
    assert meetings_at([booking(at(days=1))], NOW).held_on == (at(days=1),)


def test_a_meeting_ahead_is_due_at_its_end():
    meetings = meetings_at([booking(at(days=20))], NOW)
    assert (meetings.held_on, meetings.due_on) == ((), at(days=20))


def test_a_second_booking_with_the_same_id_moves_the_meeting():
    meetings = meetings_at([booking(at(days=1)), booking(at(days=5), time=at(hours=1), id="b2")], NOW)
    assert meetings.held_on == (at(days=5),)


def test_a_meeting_cancelled_before_its_end_was_not_held():
    assert meetings_at([booking(at(days=2)), cancellation(at(days=1))], NOW).held_on == ()


def test_a_cancellation_at_the_very_end_is_applied_first():
    assert meetings_at([booking(at(days=2)), cancellation(at(days=2))], NOW).held_on == ()


def test_a_meeting_cancelled_after_its_end_was_held():
    assert meetings_at([booking(at(days=2)), cancellation(at(days=3))], NOW).held_on == (at(days=2),)


def test_a_meeting_that_was_held_stays_so_when_its_booking_is_repeated():
    repeated = booking(at(days=1), time=at(days=2), id="b2")
    signals = [booking(at(days=1)), repeated, cancellation(at(days=2))]
    assert meetings_at(signals, NOW).held_on == (at(days=1),)
    assert meetings_at(signals[:2], at(days=1, hours=1)).held_on == (at(days=1),)


def test_a_booking_after_a_cancellation_counts():
    signals = [booking(at(days=2)), cancellation(at(days=1)), booking(at(days=4), time=at(days=1, hours=1), id="b2")]
    assert meetings_at(signals, NOW).held_on == (at(days=4),)


def test_a_booking_that_ended_before_it_was_made_is_held_at_once_and_counts_on_the_day_of_its_end():
    assert meetings_at([booking(at(days=-3))], START).held_on == (at(days=-3),)


def test_a_meeting_moved_after_its_end_counts_once_and_at_its_new_end():
    signals = [booking(at(days=1)), booking(at(days=4), time=at(days=2), id="b2")]
    assert meetings_at(signals, NOW).held_on == (at(days=4),)
    assert meetings_at(signals, at(days=3)).held_on == ()


def test_cancellations_after_the_end_change_nothing():
    signals = [booking(at(days=1)), cancellation(at(days=2)), cancellation(at(days=3), id="c2")]
    assert meetings_at(signals, NOW).held_on == (at(days=1),)


signals = st.builds(
    MeetingSignal,
    st.integers(0, 20).map(lambda n: at(hours=6 * n)),
    st.sampled_from("abcdefgh"),
    st.just("test"),
    st.sampled_from(["m1", "m2"]),
    st.none() | st.integers(-10, 30).map(lambda n: at(hours=6 * n + 1)),
)


@given(st.lists(signals, unique_by=lambda signal: signal.event_id), st.randoms(), st.integers(0, 30))
def test_the_order_of_arrival_does_not_matter(known, random, days):
    shuffled = list(known)
    random.shuffle(shuffled)
    now = START + timedelta(days=days)
    assert meetings_at(shuffled, now) == meetings_at(known, now)


@given(st.lists(signals, unique_by=lambda signal: signal.event_id), st.integers(0, 10))
def test_what_was_held_stays_held_as_time_passes(known, days):
    early_signals = [signal for signal in known if signal.occurred_at <= at(days=days)]
    early, late = meetings_at(early_signals, at(days=days)), meetings_at(early_signals, at(days=days + 3))
    assert set(early.held_on) <= set(late.held_on)
    assert early.due_on is None or early.due_on > at(days=days)

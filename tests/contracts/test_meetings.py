"""Stages, scoring and goals each derive which meetings were held: the same examples, the same answers."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.goals.rules import meetings as goals
from services.scoring.rules import meetings as scoring
from services.scoring.rules.signals import Signal as ScoringSignal
from services.stages.rules.journey import PASSED
from tests.unit.stages.story import a_lead, day


class Booked(NamedTuple):
    at: float
    meeting: str
    ends: float


class Cancelled(NamedTuple):
    at: float
    meeting: str


Events = Iterable[Booked | Cancelled]

EXAMPLES: dict[str, tuple[list[Booked | Cancelled], float, dict[str, float]]] = {
    "it has ended": ([Booked(0, "a", 2)], 3, {"a": 2}),
    "it is ahead": ([Booked(0, "a", 2)], 1, {}),
    "it ends now": ([Booked(0, "a", 2)], 2, {"a": 2}),
    "it was cancelled before its end": ([Booked(0, "a", 2), Cancelled(1, "a")], 3, {}),
    "it was cancelled at the very moment of its end": ([Booked(0, "a", 2), Cancelled(2, "a")], 3, {}),
    "it was cancelled after its end": ([Booked(0, "a", 2), Cancelled(2.5, "a")], 3, {"a": 2}),
    "it was moved": ([Booked(0, "a", 2), Booked(1, "a", 5)], 3, {}),
    "it was moved and held": ([Booked(0, "a", 2), Booked(1, "a", 5)], 6, {"a": 5}),
    "its booking was repeated after it, and cancelled at that moment": (
        [Booked(0, "a", 2), Booked(3, "a", 2), Cancelled(3, "a")],
        4,
        {"a": 2},
    ),
    "it was cancelled and booked again": ([Booked(0, "a", 2), Cancelled(1, "a"), Booked(1.5, "a", 4)], 5, {"a": 4}),
    "it was booked after its end": ([Booked(3, "a", 2)], 4, {"a": 3}),
    "a cancellation of a meeting that nobody booked": ([Cancelled(1, "a")], 3, {}),
    "it was cancelled twice": ([Booked(0, "a", 2), Cancelled(1, "a"), Cancelled(1.2, "a")], 3, {}),
    "two of them": ([Booked(0, "a", 2), Booked(0.5, "b", 3), Cancelled(1, "a")], 4, {"b": 3}),
    "it was booked once more after it was held": ([Booked(0, "a", 2), Booked(3, "a", 2)], 4, {"a": 2}),
    "it was moved after it was held": ([Booked(0, "a", 2), Booked(3, "a", 5)], 4, {}),
}
"""What happened, the day of the question, and the meetings held by then with the days on which they passed.

Booked after its end: the meeting passes when it is booked. Days are days after the lead's capture.
"""


def held_by_stages(events: Events, until: float) -> set[str]:
    lead = a_lead()
    for event in events:
        if isinstance(event, Booked):
            lead.booked(event.meeting, at=event.at, ends=event.ends)
        else:
            lead.cancelled(event.meeting, at=event.at)
    return {id for id, meeting in lead.at(until).meetings.items() if meeting.state == PASSED}


def held_by_scoring(events: Events, until: float) -> dict[str, datetime]:
    signals = [
        ScoringSignal(
            None,
            "meeting.booked" if isinstance(event, Booked) else "meeting.cancelled",
            day(event.at),
            f"event-{number:03}",
            "urn:test",
            {"meeting_id": event.meeting} | ({"ends_at": day(event.ends).isoformat()} if len(event) == 3 else {}),
        )
        for number, event in enumerate(events)
        if event.at <= until
    ]
    return scoring.meetings_at(signals, day(until)).held


def held_by_goals(events: Events, until: float) -> list[datetime]:
    signals = [
        goals.MeetingSignal(
            day(event.at),
            f"event-{number:03}",
            "urn:test",
            event.meeting,
            day(event.ends) if isinstance(event, Booked) else None,
        )
        for number, event in enumerate(events)
        if event.at <= until
    ]
    return list(goals.meetings_at(signals, day(until)).held_on)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_three_services_agree_on_the_meetings_held(example: str) -> None:
    events, until, held = EXAMPLES[example]
    assert held_by_stages(events, until) == set(held)
    assert held_by_scoring(events, until) == {meeting: day(passed) for meeting, passed in held.items()}
    assert len(held_by_goals(events, until)) == len(held)


_DAYS = st.integers(0, 12).map(lambda half: half / 2)
_EVENTS = st.lists(
    st.one_of(
        st.builds(Booked, _DAYS, st.sampled_from("ab"), _DAYS), st.builds(Cancelled, _DAYS, st.sampled_from("ab"))
    ),
    max_size=6,
    unique_by=lambda event: event.at,
)


@given(_EVENTS, _DAYS)
def test_they_agree_on_any_bookings_and_cancellations(events: list[Booked | Cancelled], until: float) -> None:
    events = sorted((event for event in events if event.at <= until), key=lambda event: event.at)
    stages = held_by_stages(events, until)
    assert stages == set(held_by_scoring(events, until))
    assert len(stages) == len(held_by_goals(events, until))

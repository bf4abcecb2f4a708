"""Properties of the fold over any set of signals, any order of arrival, any batches, with duplicates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.stages.rules import (
    CHECKLIST_TICK,
    MANUAL_MOVE,
    Ignored,
    Item,
    Journey,
    SettingsHistory,
    Signal,
    Stage,
    TenantSettings,
    Transition,
    advance,
    can_advance,
    compare,
    fold,
    next_due,
)
from services.stages.rules.outcome import BecameHot
from services.stages.rules.replies import NOT_BY_THE_LEAD, TRIGGERS
from tests.unit.stages.story import ALIAS, ANNA, LEAD, a_signal, day

HISTORY = SettingsHistory.of(
    TenantSettings(checklist=(Item("need", "Need"), Item("score", "Score", score_at_least=50)), quiet_days=6),
    TenantSettings(checklist=(Item("need", "Need"),), quiet_days=2, hot_up=60, hot_down=50, valid_from=day(8)),
    TenantSettings(checklist=(Item("budget", "Budget"),), quiet_days=9, valid_from=day(14)),
)
LABELS = [*TRIGGERS, *NOT_BY_THE_LEAD]
ADDRESSES = ["a@example.com", "b@example.com", "+1 415 555 0100", "+1 415 555 0101", None]

# A coarse grid, so that many things happen at the same instant.
moments = st.integers(0, 80).map(lambda quarter: quarter / 4)
channels = st.sampled_from(["email", "sms"])
lead_ids = st.sampled_from([LEAD, ALIAS])


def body(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


details = {"email": st.sampled_from([*ADDRESSES[:2], None]), "phone": st.sampled_from(ADDRESSES[2:])}
replies = body(
    reply_id=st.sampled_from(["r1", "r2", "r3"]),
    label=st.sampled_from(["opt_out", "opt_out", "opt_out", "question", "later", *LABELS]),
    channel=channels,
    labelled_at=moments.map(day),
    wrong_address=st.sampled_from([None, None, True]),
    evidence=st.sampled_from([None, [{"item": "need", "sentence": "We need it."}]]),
)
whose = st.sampled_from(["ann", "bob", None])
captures = st.tuples(st.just("lead.captured"), body(created_on=moments.map(day), owner=whose, **details))
updates = st.tuples(st.just("lead.updated"), body(version=st.integers(2, 5), **details))
scores = st.tuples(st.just("lead.scored"), body(total=st.integers(0, 100)))
owners = st.tuples(st.just("lead.assigned"), body(owner=whose))
messages = st.tuples(st.just("message.sent"), body(channel=channels, kind=st.just("first")))
bounces = st.tuples(
    st.just("message.bounced"),
    body(
        channel=channels,
        address_state=st.sampled_from(["valid", "soft", "invalid"]),
        address=st.sampled_from(ADDRESSES),
    ),
)
received = st.tuples(st.just("reply.received"), replies)
opt_outs = st.tuples(
    st.just("contact.opted_out"),
    body(
        channel=st.sampled_from(["email", "sms", "all"]),
        how=st.sampled_from(["reply", "reply", "operator", "operator", "stop_word"]),
        reply_id=st.sampled_from([None, "r1", "r2", "r9"]),
    ),
)
believed = st.tuples(
    st.just("contact.opted_out"),
    body(channel=channels, how=st.just("reply"), reply_id=st.sampled_from(["r1", "r2"])),
)
used_up = st.tuples(
    st.just("outreach.exhausted"),
    body(mode=st.just("blended"), channels=st.sampled_from([["email"], ["sms"], ["email", "sms"]])),
)
modes = st.tuples(st.just("outreach.mode_changed"), body(mode=st.sampled_from(["email_only", "sms_only", "blended"])))
sequences = st.tuples(
    st.sampled_from(["sequence.enrolled", "sequence.exited"]), body(enrolment_id=st.sampled_from(["e1", "e2"]))
)
bookings = st.tuples(
    st.just("meeting.booked"),
    body(meeting_id=st.sampled_from(["m1", "m2"]), starts_at=moments.map(day), ends_at=moments.map(day)),
)
cancellations = st.tuples(st.just("meeting.cancelled"), body(meeting_id=st.sampled_from(["m1", "m2"])))
ticks = st.tuples(st.just(CHECKLIST_TICK), body(item=st.sampled_from(["need", "budget"]), ticked=st.booleans()))
moves = st.tuples(st.just(MANUAL_MOVE), body(to=st.sampled_from([stage.value for stage in Stage])))

anything = st.one_of(
    *(captures, updates, scores, owners, messages, bounces, received, opt_outs),
    *(used_up, modes, sequences, bookings, cancellations, ticks, moves),
)
# Events of all kinds seldom affect each other; so most stories have a theme, and few moments.
THEMES: dict[str, tuple[st.SearchStrategy[tuple[str, dict[str, Any]]], st.SearchStrategy[float]]] = {
    "replies": (st.one_of(received, received, believed, believed, opt_outs, moves), st.sampled_from([1, 1.25, 2, 3])),
    "timers": (st.one_of(messages, bookings, cancellations, sequences, moves, received), moments),
    "channels": (st.one_of(captures, updates, bounces, used_up, modes, opt_outs, messages), moments),
    "checklist": (st.one_of(scores, ticks, received, moves), moments),
    "hot": (st.one_of(scores, scores, moves), moments),
    "anything": (anything, moments),
}


@st.composite
def stories(draw: st.DrawFn, captured: bool = True, theme: str | None = None) -> list[Signal]:
    """The signals of one lead in the order of their arrival: some in time, some late, some before their cause."""
    kinds, times = THEMES[theme or draw(st.sampled_from(list(THEMES)))]
    drawn = draw(st.lists(st.tuples(kinds, times, lead_ids), max_size=10))
    signals = [
        a_signal(type, at, f"{number * 7919 % 101:03}", ANNA, lead_id, **data)
        for number, ((type, data), at, lead_id) in enumerate(drawn)
    ]
    if captured:
        first = {"created_on": day(0), "email": ADDRESSES[0], "phone": ADDRESSES[2]}
        at = draw(st.sampled_from([0.0, 0.0, 0.0, 5.0, 20.0]))
        signals.append(a_signal("lead.captured", at, "captured", None, LEAD, **first))
    late = {
        signal.digest: signal.occurred_at + timedelta(days=draw(st.sampled_from([0, 0, 0, 0, 1, 9])))
        for signal in signals
    }
    return sorted(signals, key=lambda signal: (late[signal.digest], signal.order))


@dataclass
class ServiceModel:
    """A model of the service: it advances the journey where it may, else folds all signals and corrects its moves."""

    known: dict[str, Signal] = field(default_factory=dict)
    journey: Journey | None = None
    published: list[Transition] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    hot: list[BecameHot] = field(default_factory=list)
    advanced: int = 0

    def receive(self, batch: Sequence[Signal], until: datetime) -> None:
        new = [signal for signal in batch if signal.digest not in self.known]
        self.known |= {signal.digest: signal for signal in new}
        if self.journey is not None and can_advance(self.journey, new):
            stored = Journey.from_json(orjson.loads(orjson.dumps(self.journey.to_json())))
            outcome = advance(stored, new, HISTORY, until, LEAD)
            self.published += outcome.transitions
            self.ignored += outcome.ignored
            self.hot += outcome.became_hot
            self.advanced += 1
        else:
            outcome = fold(self.known.values(), HISTORY, until, LEAD)
            correction = compare(self.published, outcome.transitions)
            kept = [each for each in self.published if each not in correction.superseded]
            assert [each.key for each in sorted([*kept, *correction.added], key=_when)] == [
                each.key for each in sorted(outcome.transitions, key=_when)
            ]
            self.published, self.ignored, self.hot = outcome.transitions, outcome.ignored, outcome.became_hot
        self.journey = outcome.journey if outcome.journey.created_on else None


def _when(transition: Transition) -> tuple[Any, ...]:
    return transition.occurred_at, transition.caused_by, transition.rule, transition.from_


@pytest.mark.parametrize("theme", THEMES)
@settings(max_examples=400)
@given(data=st.data())
def test_any_arrival_in_any_batches_with_duplicates_ends_as_the_sorted_fold(theme: str, data: st.DataObject) -> None:
    arrived = data.draw(stories(theme=theme))
    service = ServiceModel()
    known: list[Signal] = []
    until = day(0)
    rest = list(arrived)
    while rest:
        size = data.draw(st.sampled_from([1, 1, 1, 2, 5]))
        again = data.draw(st.lists(st.sampled_from(known), max_size=2)) if known else []
        batch, rest = rest[:size], rest[size:]
        known += batch
        # The clock is at the newest signal, or at any later moment.
        until = max(until, *(signal.occurred_at for signal in batch))
        until += timedelta(days=data.draw(st.sampled_from([0, 0, 0, 0.25, 2])))
        service.receive([*batch, *again], until)
        so_far = fold(known, HISTORY, until, LEAD).journey
        assert service.journey == (so_far if so_far.created_on else None)
    end = max(until, day(25))
    service.receive([], end)
    whole = fold(sorted(arrived, key=lambda signal: signal.order), HISTORY, end, LEAD)
    assert service.journey == whole.journey
    assert orjson.dumps(whole.journey.to_json()) == orjson.dumps(service.journey.to_json() if service.journey else None)
    assert service.published == whole.transitions
    assert service.ignored == whole.ignored
    assert service.hot == whole.became_hot


@settings(max_examples=300)
@given(stories(), st.data())
def test_advancing_signal_by_signal_in_order_never_needs_a_fold_unless_a_reply_has_two_labels(
    arrived: list[Signal], data: st.DataObject
) -> None:
    ordered = sorted(arrived, key=lambda signal: signal.order)
    ordered = [each for each in ordered if not (each.type == "reply.received" or each.data.get("reply_id"))]
    start = next(number for number, signal in enumerate(ordered) if signal.type == "lead.captured") + 1
    journey = fold(ordered[:start], HISTORY, ordered[start - 1].occurred_at - timedelta(microseconds=1)).journey
    for signal in ordered[start:]:
        assert can_advance(journey, [signal])
        journey = advance(journey, [signal], HISTORY, signal.occurred_at - timedelta(microseconds=1)).journey
    assert advance(journey, [], HISTORY, day(25)).journey == fold(ordered, HISTORY, day(25)).journey


@settings(max_examples=400)
@given(stories())
def test_dead_is_never_left(arrived: list[Signal]) -> None:
    outcome = fold(arrived, HISTORY, day(40))
    stages = [each.to for each in outcome.transitions]
    if Stage.DEAD in stages:
        assert stages.index(Stage.DEAD) == len(stages) - 1
        assert outcome.journey.stage is Stage.DEAD


@settings(max_examples=400)
@given(stories(), st.sampled_from(list(Stage)))
def test_nothing_older_than_a_manual_move_changes_the_stage_after_it(arrived: list[Signal], to: Stage) -> None:
    move = a_signal(MANUAL_MOVE, 21, "move", ANNA, to=to.value)
    before = fold(arrived, HISTORY, move.occurred_at - timedelta(microseconds=1)).journey
    after = fold([*arrived, move], HISTORY, move.occurred_at - timedelta(microseconds=1)).journey
    if before.stage is Stage.DEAD:
        assert after.stage is Stage.DEAD
    elif before.stage is Stage.WON and before.opted_out and to is not Stage.DEAD:
        assert after.stage is Stage.WON
    else:
        assert after.stage is to


@settings(max_examples=400)
@given(stories(), moments)
def test_the_stage_at_a_past_moment_is_the_fold_until_then(arrived: list[Signal], at: float) -> None:
    """So a timer has its place in the order: it does not wait for a later signal, and is after those of its instant."""
    simple = [each for each in arrived if each.type != "reply.received" and not each.data.get("reply_id")]
    simple = [each for each in simple if each.type != "lead.captured" or each.id == "captured"]
    moment = day(at)
    early = [each for each in simple if each.occurred_at <= moment]
    if not any(each.type == "lead.captured" for each in early):
        return
    whole = fold(simple, HISTORY, day(40)).transitions
    assert fold(early, HISTORY, moment).transitions == [each for each in whole if each.occurred_at <= moment]


@settings(max_examples=400)
@given(stories())
def test_moves_are_in_order_and_each_starts_where_the_last_one_ended(arrived: list[Signal]) -> None:
    outcome = fold(arrived, HISTORY, day(40))
    stage, at = Stage.NEW, None
    for move in outcome.transitions:
        assert move.from_ is stage
        assert at is None or move.occurred_at >= at
        stage, at = move.to, move.occurred_at
    assert outcome.journey.stage is stage
    keys = [each.key for each in outcome.transitions]
    assert len(set(keys)) == len(keys)


@settings(max_examples=300)
@given(stories())
def test_the_next_due_timer_is_the_next_that_fires(arrived: list[Signal]) -> None:
    last = max(signal.occurred_at for signal in arrived)
    journey = fold(arrived, HISTORY, last).journey
    due = next_due(journey, HISTORY)
    if due is None:
        assert fold(arrived, HISTORY, day(4000)).journey == journey
    else:
        assert due > last
        assert fold(arrived, HISTORY, due - timedelta(microseconds=1)).journey == journey
        assert fold(arrived, HISTORY, due).journey != journey


@settings(max_examples=200)
@given(stories(captured=False))
def test_the_stored_journey_is_the_journey(arrived: list[Signal]) -> None:
    journey = fold(arrived, HISTORY, day(25)).journey
    assert Journey.from_json(orjson.loads(orjson.dumps(journey.to_json()))) == journey


@settings(max_examples=300)
@given(stories())
def test_the_facts_agree_with_the_moves(arrived: list[Signal]) -> None:
    outcome = fold(arrived, HISTORY, day(40))
    journey, moves = outcome.journey, outcome.transitions
    reached = [each.occurred_at for each in moves if each.to in ("qualified", "scheduled", "meeting_completed", "won")]
    assert journey.first_qualified_on == (reached[0] if reached else None)
    assert (journey.won_on is not None) == (journey.stage is Stage.WON)
    assert (journey.disqualification_reason is not None) == (journey.status == "disqualified")
    assert journey.contacted == any(signal.type == "message.sent" for signal in arrived)
    assert journey.meetings_held <= 2
    assert not journey.hot or (journey.alerted and outcome.became_hot)

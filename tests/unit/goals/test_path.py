import itertools
import statistics
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.goals.rules.path import UNKNOWN, Move, Stand, Step, extend, follows, median_seconds, moves, scale, walk
from tests.unit.goals.builders import START, at


def step(revision, to, *, origin="new", time=None, corrects=()):
    return Step(revision, f"s{revision}", origin, to, time or at(days=revision), START, tuple(corrects))


def told(steps):
    return [(move.from_stage, move.to_stage) for move in moves(walk(steps)[1])]


def test_the_way_of_a_lead_is_a_chain_of_moves_with_the_time_in_each_stage():
    stand, steps = walk([step(1, "contacted"), step(2, "engaged", origin="contacted", time=at(days=4))])
    assert [(s.moved_from, s.to, s.seconds) for s in steps] == [
        ("new", "contacted", 86_400.0),
        ("contacted", "engaged", 3 * 86_400.0),
    ]
    assert stand == Stand(2, "engaged", at(days=4))


def test_a_corrected_move_does_not_count_and_the_next_one_starts_where_the_lead_really_was():
    steps = [
        step(1, "contacted"),
        step(2, "engaged", origin="contacted"),
        step(3, "lost", origin="engaged", corrects=["s2"]),
    ]
    assert told(steps) == [("new", "contacted"), ("contacted", "lost")]


def test_a_correction_back_to_where_the_lead_was_leaves_no_move():
    steps = [
        step(1, "contacted"),
        step(2, "dead", origin="contacted"),
        step(3, "contacted", origin="dead", corrects=["s2"]),
    ]
    stand, walked = walk(steps)
    assert told(steps) == [("new", "contacted")]
    assert stand == Stand(3, "contacted", at(days=1))
    assert walked[1].moved_from is None


def test_a_change_of_another_fact_is_no_move_and_the_stay_goes_on():
    steps = [step(1, "contacted"), step(2, "contacted", origin="contacted"), step(3, "engaged", origin="contacted")]
    assert told(steps) == [("new", "contacted"), ("contacted", "engaged")]
    assert walk(steps)[1][2].seconds == timedelta(days=2).total_seconds()


def test_where_a_step_is_missing_its_follower_is_believed_and_the_stay_is_unknown():
    _, walked = walk([step(1, "contacted"), step(3, "qualified", origin="engaged")])
    assert moves(walked)[1] == Move(at(days=3), "engaged", "qualified", UNKNOWN)


def test_a_correction_timed_before_the_entry_makes_no_negative_stay():
    steps = [step(1, "contacted", time=at(days=5)), step(2, "lost", origin="contacted", time=at(days=2))]
    assert walk(steps)[1][1].seconds == 0.0


stories = st.lists(
    st.tuples(st.sampled_from(["new", "contacted", "engaged", "qualified", "lost"]), st.integers(0, 50), st.booleans()),
    max_size=8,
)


def story(parts):
    """Steps as the stage service tells them: each starts at the end of the one before, some correct it."""
    steps, at_stage = [], "new"
    for revision, (to, hours, mends) in enumerate(parts, start=1):
        corrects = [f"s{revision - 1}"] if mends and revision > 1 else []
        steps.append(step(revision, to, origin=at_stage, time=at(hours=hours), corrects=corrects))
        at_stage = to
    return steps


@given(stories)
def test_extending_by_the_next_step_equals_walking_from_the_beginning(parts):
    stand, walked = Stand(), []
    for following in story(parts):
        if follows(stand, following):
            stand, placed = extend(stand, following)
            walked.append(placed)
        else:
            stand, walked = walk([*walked, following])
    assert (stand, walked) == walk(story(parts))


@given(stories, st.randoms())
def test_the_order_of_arrival_does_not_change_the_way(parts, random):
    steps = story(parts)
    shuffled = list(steps)
    random.shuffle(shuffled)
    assert walk(shuffled) == walk(steps)


@given(stories)
def test_the_moves_form_one_chain_from_new_to_the_stage_of_the_newest_step(parts):
    chain = told(story(parts))
    assert all(before[1] == after[0] for before, after in itertools.pairwise(chain))
    if chain:
        assert chain[0][0] == "new"
        assert chain[-1][1] == parts[-1][0]


@given(st.lists(st.floats(1, 3e8), min_size=1, max_size=200))
def test_the_median_from_the_scale_is_within_a_step_of_the_true_one(durations):
    places = [(scale(seconds), 1) for seconds in durations]
    estimated = median_seconds(places)
    low, high = statistics.median_low(durations), statistics.median_high(durations)
    assert estimated is not None
    assert low / 1.19 <= estimated <= high * 1.19


def test_the_median_of_nothing_known_is_none():
    assert median_seconds([(UNKNOWN, 5)]) is None
    assert median_seconds([]) is None


def test_durations_under_a_second_stand_at_the_foot_of_the_scale():
    assert (scale(0.0), scale(0.99), scale(1.0), scale(None)) == (0, 0, 1, UNKNOWN)
    assert median_seconds([(0, 3)]) == pytest.approx(0.5)

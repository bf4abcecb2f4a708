import itertools
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.goals.rules.durations import UNKNOWN
from services.goals.rules.moves import CurrentStage, Move, Transition, append, is_next, moves_of, rebuild
from tests.unit.goals.builders import START, at


def transition(revision, to, *, origin="new", time=None, corrects=()):
    return Transition(revision, f"s{revision}", origin, to, time or at(days=revision), START, tuple(corrects))


def pairs_of(transitions):
    return [(move.from_stage, move.to_stage) for move in moves_of(rebuild(transitions)[1])]


def test_the_moves_of_a_lead_form_a_chain_with_the_time_in_each_stage():
    current, transitions = rebuild(
        [transition(1, "contacted"), transition(2, "engaged", origin="contacted", time=at(days=4))]
    )
    assert [(s.moved_from, s.to_stage, s.seconds) for s in transitions] == [
        ("new", "contacted", 86_400.0),
        ("contacted", "engaged", 3 * 86_400.0),
    ]
    assert current == CurrentStage(2, "engaged", at(days=4))


def test_a_corrected_move_does_not_count_and_the_next_starts_where_the_lead_really_was():
    transitions = [
        transition(1, "contacted"),
        transition(2, "engaged", origin="contacted"),
        transition(3, "lost", origin="engaged", corrects=["s2"]),
    ]
    assert pairs_of(transitions) == [("new", "contacted"), ("contacted", "lost")]


def test_a_correction_back_to_the_stage_before_leaves_no_move():
    transitions = [
        transition(1, "contacted"),
        transition(2, "dead", origin="contacted"),
        transition(3, "contacted", origin="dead", corrects=["s2"]),
    ]
    current, chain = rebuild(transitions)
    assert pairs_of(transitions) == [("new", "contacted")]
    assert current == CurrentStage(3, "contacted", at(days=1))
    assert chain[1].moved_from is None


def test_a_change_of_another_fact_is_not_a_move_and_the_time_in_stage_goes_on():
    transitions = [
        transition(1, "contacted"),
        transition(2, "contacted", origin="contacted"),
        transition(3, "engaged", origin="contacted"),
    ]
    assert pairs_of(transitions) == [("new", "contacted"), ("contacted", "engaged")]
    assert rebuild(transitions)[1][2].seconds == timedelta(days=2).total_seconds()


def test_after_a_missing_revision_the_event_s_own_from_counts_and_the_time_in_stage_is_unknown():
    _, chain = rebuild([transition(1, "contacted"), transition(3, "qualified", origin="engaged")])
    assert moves_of(chain)[1] == Move(at(days=3), "engaged", "qualified", UNKNOWN)


def test_after_missing_revisions_a_lead_that_is_where_it_was_has_been_there_all_the_time():
    transitions = [
        transition(1, "contacted"),
        transition(10_001, "contacted", origin="contacted", time=at(days=1)),
        transition(10_002, "engaged", origin="contacted", time=at(days=4)),
    ]
    assert pairs_of(transitions) == [("new", "contacted"), ("contacted", "engaged")]
    assert rebuild(transitions)[1][2].seconds == timedelta(days=3).total_seconds()
    since_its_creation = [transition(10_000, "new"), transition(10_001, "contacted", time=at(days=2))]
    assert rebuild(since_its_creation)[1][1].seconds == timedelta(days=2).total_seconds()


def test_after_missing_revisions_a_lead_that_is_elsewhere_has_been_there_for_an_unknown_time():
    transitions = [
        transition(1, "contacted"),
        transition(10_001, "lost", origin="lost"),
        transition(10_002, "engaged", origin="lost"),
    ]
    assert pairs_of(transitions) == [("new", "contacted"), ("lost", "engaged")]
    assert rebuild(transitions)[1][2].seconds is None


def test_a_move_timed_before_the_entry_gives_no_negative_time_in_stage():
    transitions = [
        transition(1, "contacted", time=at(days=5)),
        transition(2, "lost", origin="contacted", time=at(days=2)),
    ]
    assert rebuild(transitions)[1][1].seconds == 0.0


stories = st.lists(
    st.tuples(st.sampled_from(["new", "contacted", "engaged", "qualified", "lost"]), st.integers(0, 50), st.booleans()),
    max_size=8,
)


def story(parts):
    """Transitions as the stage service publishes them: each starts where the one before ended, some correct it."""
    transitions, at_stage = [], "new"
    for revision, (to, hours, is_correction) in enumerate(parts, start=1):
        corrects = [f"s{revision - 1}"] if is_correction and revision > 1 else []
        transitions.append(transition(revision, to, origin=at_stage, time=at(hours=hours), corrects=corrects))
        at_stage = to
    return transitions


@given(stories)
def test_appending_the_next_transition_equals_rebuilding_the_chain(parts):
    current, chain = CurrentStage(), []
    for following in story(parts):
        if is_next(current, following):
            current, placed = append(current, following)
            chain.append(placed)
        else:
            current, chain = rebuild([*chain, following])
    assert (current, chain) == rebuild(story(parts))


@given(stories, st.randoms())
def test_the_order_of_arrival_does_not_change_the_chain(parts, random):
    transitions = story(parts)
    shuffled = list(transitions)
    random.shuffle(shuffled)
    assert rebuild(shuffled) == rebuild(transitions)


@given(stories)
def test_the_moves_lead_from_new_to_the_stage_of_the_newest_transition(parts):
    pairs = pairs_of(story(parts))
    assert all(before[1] == after[0] for before, after in itertools.pairwise(pairs))
    if pairs:
        assert pairs[0][0] == "new"
        assert pairs[-1][1] == parts[-1][0]

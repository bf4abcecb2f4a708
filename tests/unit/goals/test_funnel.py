from hypothesis import given
from hypothesis import strategies as st

from services.goals.rules.funnel import shortfall

numbers = st.integers(0, 10_000)


def test_what_is_missing_is_worked_backwards_through_the_rates():
    found = shortfall(38, 50, 2, [400, 200, 50, 10, 5])
    assert found.missing == 12
    assert found.captured_leads == 96
    assert [(step.step, step.needed, step.rate) for step in found.steps] == [
        ("captured", 96, None),
        ("contacted", 48, 0.5),
        ("qualified", 12, 0.25),
    ]


def test_nothing_is_missing_once_the_target_is_reached():
    assert shortfall(50, 50, 2, [400, 200, 50, 10, 5]).captured_leads == 0


def test_where_no_lead_ever_reached_a_step_the_number_is_unknown():
    found = shortfall(0, 5, 4, [400, 200, 50, 0, 0])
    assert found.captured_leads is None
    assert [step.rate for step in found.steps] == [None, 0.5, 0.25, 0.0, None]


@given(numbers, numbers, st.integers(1, 4), st.lists(st.integers(1, 1_000), min_size=5, max_size=5))
def test_each_earlier_step_needs_at_least_as_many_leads(value, target, step, reached):
    falling = sorted(reached, reverse=True)
    needed = [part.needed for part in shortfall(value, target, step, falling).steps]
    assert needed == sorted(needed, reverse=True)

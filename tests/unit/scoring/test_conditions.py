"""What a condition of a rule compares, and what it counts."""

from typing import Any

import pytest

from services.scoring.rules import history_at, score_at
from services.scoring.rules.conditions import value_test
from tests.unit.scoring.builders import LEAD, a_model, a_rule, captured, day, engagement


@pytest.mark.parametrize(
    ("op", "value", "actual", "passes"),
    [
        ("eq", "12345678901234567", "12345678901234568", False),
        ("eq", 12345678901234567, "12345678901234567", True),
        ("eq", 1e16, 10**16, True),
        ("in", ["5"], 5, True),
        ("gte", 1000, 10**16, True),
        ("gte", 1e16, 10**17, True),
        ("gte", 10**16, 95 * 10**14, False),
        ("lte", "20000000000000000", "10000000000000000", True),
    ],
)
def test_numbers_compare_by_size_and_long_ids_by_each_digit(op: str, value: Any, actual: Any, passes: bool) -> None:
    assert value_test(op, value)(actual) is passes


def test_opens_of_one_message_on_one_day_are_counted_once() -> None:
    model = a_model(a_rule(points=10, engagement="open", op="gte", value=3) | {"once_a_day": True})
    opens = [engagement("open", 0.1 + n / 500, f"o{n}", properties={"message_id": "m1"}) for n in range(5)]
    others = [engagement("open", n, f"d{n}", properties={"message_id": "m1"}) for n in (1.1, 2.1)]
    for signals, points in ((opens, 0), ([*opens, *others], 10)):  # a scanner opened it, and alone is not three
        history = history_at([captured(), *signals], LEAD, day(3))
        assert history is not None
        assert score_at(model, history, day(3)).intent == points

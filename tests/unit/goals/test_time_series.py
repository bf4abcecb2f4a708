from collections import Counter
from datetime import date
from uuid import UUID

import pytest

from services.goals.rules.filters import matches, normalise_filter
from services.goals.rules.metrics import METRICS, Count, Dimensions
from services.goals.rules.time_series import TimeSeries, daily_values, metrics_for_goal
from tests.unit.goals.builders import at

ONE = UUID(int=1)
EVA = Dimensions("web", "spring", "eva")


def test_equal_filters_have_one_form():
    assert normalise_filter({"source": "web", "owner": ["tom", "eva"]}) == normalise_filter(
        {"owner": ["eva", "tom"], "source": ["web"]}
    )
    assert normalise_filter(None) == normalise_filter({}) == ()


def test_a_lead_passes_when_every_field_has_one_of_the_values():
    assert matches(normalise_filter({"source": ["web", "fair"], "owner": "eva"}), EVA)
    assert not matches(normalise_filter({"source": "web", "owner": "tom"}), EVA)
    assert not matches(normalise_filter({"campaign": "spring"}), Dimensions("web", None, None))


def test_a_count_falls_on_the_local_day():
    late = at(hours=14.5)
    counts = {Count("won", late, EVA): 1}
    assert daily_values([TimeSeries(ONE, "acme", "won", "UTC")], counts) == {(ONE, date(2025, 3, 1)): 1}
    assert daily_values([TimeSeries(ONE, "acme", "won", "Europe/Berlin")], counts) == {(ONE, date(2025, 3, 2)): 1}


def test_a_series_counts_only_its_metric_and_its_filter():
    counts = {
        Count("won", at(), EVA): 2,
        Count("won", at(), Dimensions("fair", None, None)): 5,
        Count("first_qualified", at(), EVA): 9,
    }
    assert daily_values([TimeSeries(ONE, "acme", "won", "UTC", normalise_filter({"source": "web"}))], counts) == {
        (ONE, date(2025, 3, 1)): 2
    }


def test_differences_that_cancel_out_are_left_out():
    counts = {Count("won", at(), EVA): 1, Count("won", at(hours=1), EVA): -1}
    assert daily_values([TimeSeries(ONE, "acme", "won", "UTC")], counts) == Counter()


@pytest.mark.parametrize("metric", METRICS)
def test_a_goal_counts_its_metric_and_the_steps_of_the_funnel(metric):
    assert metrics_for_goal(metric)[0] == metric
    assert len(metrics_for_goal(metric)) == 6

from typing import Any

import pytest

from services.scoring.rules import DEFAULT_MODEL, history_at, score_at
from services.scoring.rules.model import definition_errors
from tests.unit.scoring.builders import (
    DEFAULT,
    LEAD,
    a_model,
    a_rule,
    booked,
    cancelled,
    captured,
    day,
    engagement,
    enriched,
    reply,
    sent,
)

SIGNALS = [
    captured(
        company="Acme GmbH",
        country="DE",
        phone="+4917012345678",
        consent={"email": "granted"},
        attributes={"employees": "250", "tags": ["Trial", "vip"], "since": "2024-05-01"},
    ),
    enriched(0, seniority="head", employees=120, email_free=False),
    engagement("visit", 1, page="/pricing"),
    engagement("visit", 2, url="https://acme.test/docs-2025", properties={"seconds": 90}),
    engagement("form", 3, properties={"form": "Demo request"}),
    reply("interested", 3, "r1"),
    reply("later", 4, "r2"),
    booked(2, ends=4, meeting_id="m1"),
    booked(2, ends=9, meeting_id="m2"),
    cancelled(3, meeting_id="m2"),
    sent(1, "first"),
    sent(2, "follow_up"),
]


@pytest.mark.parametrize(
    ("when", "times"),
    [
        ({"field": "country", "op": "eq", "value": "de"}, 1),
        ({"field": "country", "op": "ne", "value": "FR"}, 1),
        ({"field": "country", "op": "in", "value": ["fr", "De"]}, 1),
        ({"field": "company", "op": "contains", "value": "acme"}, 1),
        ({"field": "phone", "op": "contains", "value": "+49"}, 1),
        ({"field": "attributes.employees", "op": "contains", "value": 25}, 1),
        ({"field": "company"}, 1),
        ({"field": "website", "op": "exists"}, 0),
        ({"field": "website", "op": "exists", "value": False}, 1),
        ({"field": "website", "op": "ne", "value": "x"}, 0),
        ({"field": "consent.email", "op": "eq", "value": "granted"}, 1),
        ({"field": "attributes.employees", "op": "gte", "value": 250}, 1),
        ({"field": "employees", "op": "gte", "value": 251}, 0),
        ({"field": "tags", "op": "contains", "value": "VIP"}, 1),
        ({"field": "since", "op": "lte", "value": "2024-12-31"}, 1),
        ({"fact": "employees", "op": "lte", "value": 120}, 1),
        ({"fact": "employees", "op": "gte", "value": "many"}, 0),
        ({"fact": "email_free", "op": "eq", "value": False}, 1),
        ({"fact": "email_free", "op": "eq", "value": "false"}, 1),
        ({"fact": "industry", "op": "eq", "value": "x"}, 0),
        ({"engagement": "visit", "op": "exists"}, 2),
        ({"engagement": "visit", "op": "contains", "value": "pricing"}, 1),
        ({"engagement": "visit", "op": "eq", "value": "/pricing"}, 1),
        ({"engagement": "visit", "op": "ne", "value": "/pricing"}, 1),
        ({"engagement": "visit", "op": "gte", "value": 2}, 1),
        ({"engagement": "visit", "op": "gte", "value": 3}, 0),
        ({"engagement": "webinar", "op": "lte", "value": 0}, 1),
        ({"engagement": "webinar", "op": "exists", "value": False}, 1),
        ({"engagement": "visit", "op": "contains", "value": "2025"}, 1),
        ({"engagement": "form", "op": "contains", "value": "demo"}, 1),
        ({"engagement": "kind", "op": "in", "value": ["visit", "form"]}, 3),
        ({"engagement": "properties.seconds", "op": "gte", "value": 60}, 1),
        ({"engagement": "properties.seconds", "op": "contains", "value": 9}, 1),
        ({"engagement": "url", "op": "contains", "value": 2025}, 1),
        ({"reply": "interested", "op": "exists"}, 1),
        ({"reply": "label", "op": "in", "value": ["interested", "later"]}, 2),
        ({"reply": "channel", "op": "eq", "value": "email"}, 2),
        ({"meeting": "booked", "op": "exists"}, 1),
        ({"meeting": "held", "op": "exists"}, 1),
        ({"meeting": "cancelled", "op": "exists"}, 1),
        ({"message": "first", "op": "exists"}, 1),
        ({"message": "kind", "op": "exists"}, 2),
        ({"message": "unanswered", "op": "gte", "value": 1}, 0),
    ],
)
def test_a_condition_gives_its_points_once_for_each_match(when: dict[str, Any], times: int) -> None:
    history = history_at(SIGNALS, LEAD, day(5))
    assert history is not None
    rule = a_rule("r", "fit", 3, **when)
    assert definition_errors({"rules": [rule]}) == []
    assert score_at(a_model(rule), history, day(5)).fit == 3 * times


@pytest.mark.parametrize("count", [2, 1.5])
def test_the_points_of_a_count_fade_from_the_event_that_reached_it(count: float) -> None:
    history = history_at(SIGNALS, LEAD, day(12))
    assert history is not None
    model = a_model(a_rule("r", "fit", 20, 10, engagement="visit", op="gte", value=count))
    assert score_at(model, history, day(12)).fit == 10


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ([a_rule("r"), a_rule("r")], "rules.1.id"),
        ([a_rule("cap")], "rules.0.id"),
        ([a_rule("r", field="source", op="in", value="website")], "rules.0.when"),
        ([a_rule("r", field="source", op="eq")], "rules.0.when"),
        ([a_rule("r", fact="employees", op="gte", value=[1])], "rules.0.when"),
        ([a_rule("r", engagement="form", op="contains", value=2025)], "rules.0.when"),
        ([a_rule("r", message="unanswered", op="contains", value=3.5)], "rules.0.when"),
        ([a_rule("r", reply="interested", op="contains", value=False)], "rules.0.when"),
        ([a_rule("r", engagement="open", op="in", value=[3, 4])], "rules.0.when"),
        ([a_rule("r", engagement="open", op="eq", value=False)], "rules.0.when"),
        ([a_rule("r", engagement="open", op="gte", value="3")], "rules.0.when"),
        ([a_rule("r", engagement="open", op="ne", value=True)], "rules.0.when"),
        ([a_rule("r", engagement="open", op="exists", value=0)], "rules.0.when"),
        ([a_rule("r", fact="employees", op="exists", value="no")], "rules.0.when"),
        ([a_rule("r", meeting="dreamt", op="exists")], "rules.0.when"),
        ([a_rule("r", field="employees", op="gte", value=2**63)], "rules.0.when"),
        ([a_rule("r", field="employees", op="in", value=[1, -(2**63) - 1])], "rules.0.when"),
        ([a_rule("r"), a_rule("s", field="source", op="eq", value="\ud83d")], "rules.1.when"),
        ([a_rule("r", field="source", op="in", value=["web", "\ude00 fair"])], "rules.0.when"),
    ],
)
def test_an_invalid_model_is_refused_with_the_fields_that_are_wrong(rules: list[dict[str, Any]], field: str) -> None:
    assert [error["field"] for error in definition_errors({"rules": rules})] == [field]


def test_values_of_64_bits_and_any_whole_text_can_be_stored() -> None:
    values = [-(2**63), 2**63 - 1, 1e300, True, "\U0001f600"]
    assert definition_errors({"rules": [a_rule("r", field="source", op="in", value=values)]}) == []


def test_bands_must_descend() -> None:
    assert [error["field"] for error in definition_errors({"rules": [], "bands": {"A": 40, "B": 50}})] == ["bands"]


def test_equal_thresholds_give_the_better_band() -> None:
    model = a_model(bands={"A": 50, "B": 50, "C": 0})
    assert [model.band(total) for total in (100, 50, 49, 0)] == list("AACC")


@pytest.mark.parametrize(
    "when",
    [
        {"engagement": "webinar", "op": "exists", "value": False},
        {"engagement": "webinar", "op": "lte", "value": 0},
        {"message": "unanswered", "op": "lte", "value": 3},
    ],
)
def test_what_counts_once_a_day_may_be_missing(when: dict[str, Any]) -> None:
    rule = a_rule("r", "fit", 3, **when) | {"once_a_day": True}
    assert definition_errors({"rules": [rule]}) == []
    history = history_at([captured()], LEAD, day(5))
    assert history is not None
    assert score_at(a_model(rule), history, day(5)).fit == 3


def test_the_default_model_is_valid() -> None:
    assert definition_errors(DEFAULT_MODEL) == []
    assert [DEFAULT.band(total) for total in (100, 75, 74, 50, 49, 25, 24, 0)] == list("AABBCCDD")

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.rules import History, Model, Signal, explain, history_at, main_reasons, score_at
from services.scoring.rules.model import RESERVED_IDS
from services.scoring.rules.score import Score
from tests.unit.scoring.builders import (
    ALIAS,
    DEFAULT,
    LEAD,
    SIGNALS,
    a_model,
    a_rule,
    a_signal,
    booked,
    cancelled,
    captured,
    day,
    engagement,
    enriched,
    reply,
    sent,
    updated,
)

MOMENTS = st.floats(0, 400).map(day)


def history_of(signals: Iterable[Signal], at: datetime) -> History:
    history = history_at(signals, LEAD, at)
    assert history is not None
    return history


def scored(signals: Iterable[Signal], at: datetime, model: Model = DEFAULT) -> Score:
    return score_at(model, history_of(signals, at), at)


@given(SIGNALS, MOMENTS)
def test_the_explanation_sums_exactly_to_each_score_and_to_the_total(signals: list[Signal], moment: datetime) -> None:
    score = scored(signals, moment)
    explained = explain(DEFAULT, history_of(signals, moment), moment)
    for name, whole in zip(("fit", "intent", "engagement"), score.points, strict=True):
        assert sum((part.points for part in explained if part.score == name), Decimal(0)) == whole
    assert sum((part.points for part in explained), Decimal(0)) == score.total
    assert all(part.points.as_tuple().exponent == -2 for part in explained)
    assert all(part.points < 0 for part in explained if part.rule == "cap")
    assert all(abs(part.points) < 1 for part in explained if part.rule == "rounding")


@given(SIGNALS, MOMENTS, st.randoms())
def test_the_score_is_the_same_for_every_order_of_arrival(
    signals: list[Signal], moment: datetime, random: Random
) -> None:
    shuffled = random.sample(signals, len(signals))
    assert scored(shuffled, moment) == scored(signals, moment)
    assert explain(DEFAULT, history_of(shuffled, moment), moment) == explain(
        DEFAULT, history_of(signals, moment), moment
    )


@given(SIGNALS, MOMENTS, st.floats(0, 1, exclude_max=True))
def test_no_score_changes_before_next_change_at(signals: list[Signal], moment: datetime, part: float) -> None:
    signals = [signal for signal in signals if signal.at <= moment]
    score = scored(signals, moment)
    if score.next_change_at is None:
        later = moment + timedelta(days=3_000)
    else:
        assert score.next_change_at > moment
        just_before = score.next_change_at - timedelta(microseconds=1)  # the product is rounded to a microsecond
        later = min(moment + (score.next_change_at - moment) * part, just_before)
        if score.next_change_at - moment <= timedelta(seconds=1):
            return
    assert scored(signals, later).points == score.points


@given(st.lists(st.floats(0, 30), min_size=1, max_size=20), st.floats(0, 200), st.floats(0, 200))
def test_points_for_engagement_only_fade(visits: list[float], one: float, other: float) -> None:
    signals = [captured(), *(engagement("visit", days, f"v{n}") for n, days in enumerate(visits))]
    earlier, later = sorted([30 + one, 30 + other])
    assert scored(signals, day(later)).engagement <= scored(signals, day(earlier)).engagement


def test_the_worker_reaches_every_change_in_few_steps() -> None:
    signals = [
        captured(),
        engagement("open", 1),
        engagement("visit", 2, page="/pricing"),
        engagement("form", 3, page="/demo"),
        engagement("webinar", 3.5),
        reply("interested", 4),
    ]
    moment, steps, seen = day(5), 0, []
    score = scored(signals, moment)
    while score.next_change_at is not None and steps < 500:
        score, steps = scored(signals, score.next_change_at), steps + 1
        seen.append(score.points)
    assert scored(signals, day(4_000)).points == score.points
    changes = sum(one != other for one, other in pairwise(seen))
    assert steps <= changes * 2 + 5


def test_half_of_the_points_are_left_after_a_half_life() -> None:
    model = a_model(a_rule(points=20, half_life_days=10, engagement="visit", op="exists"))
    signals = [captured(), engagement("visit", 0)]
    assert [scored(signals, day(days), model).intent for days in (0, 10, 20, 30)] == [20, 10, 5, 3]


def test_a_score_is_capped_and_the_cap_is_a_contribution() -> None:
    model = a_model(a_rule("a", points=25.5), a_rule("b", points=8), caps={"intent": 30})
    assert scored([captured()], day(0), model).intent == 30
    explained = {part.rule: part.points for part in explain(model, history_of([captured()], day(0)), day(0))}
    assert explained == {"a": Decimal("25.50"), "b": Decimal("8.00"), "cap": Decimal("-3.50")}


def test_a_score_is_never_below_0_and_the_floor_is_a_contribution() -> None:
    model = a_model(a_rule("a", points=-7.25))
    assert scored([captured()], day(0), model).intent == 0
    explained = {part.rule: part.points for part in explain(model, history_of([captured()], day(0)), day(0))}
    assert explained == {"a": Decimal("-7.25"), "floor": Decimal("7.25")}


def test_rounding_is_a_contribution_of_its_own() -> None:
    model = a_model(a_rule("a", points=4.3))
    explained = {part.rule: part.points for part in explain(model, history_of([captured()], day(0)), day(0))}
    assert explained == {"a": Decimal("4.30"), "rounding": Decimal("-0.30")}


def test_a_lead_has_no_history_before_its_capture() -> None:
    assert history_at([captured(), engagement("visit", -3)], LEAD, day(-1)) is None


def test_at_a_past_moment_only_earlier_events_count() -> None:
    signals = [captured(), engagement("form", 5, page="/demo")]
    assert scored(signals, day(4)).intent == 0
    assert scored(signals, day(5)).intent == 20


def test_the_newest_label_counts_at_the_replys_own_time() -> None:
    signals = [captured(), reply("declined", 2, labelled=3, id="b"), reply("interested", 2.5, labelled=2, id="a")]
    history = history_of(signals, day(10))
    assert [(one.kind, one.at) for one in history.replies] == [("declined", day(2))]


def test_of_two_labels_of_the_same_moment_the_greater_event_id_counts() -> None:
    signals = [captured(), reply("declined", 2, id="a"), reply("interested", 2, id="b")]
    assert [one.kind for one in history_of(signals, day(10)).replies] == ["interested"]


def test_a_meeting_counts_as_held_once_its_end_has_passed() -> None:
    signals = [captured(), booked(1, ends=5)]
    before = scored(signals, day(4.9))
    assert before.next_change_at is not None and before.next_change_at <= day(5)
    assert before.engagement == 0
    assert scored(signals, day(5)).engagement == 12


def test_a_cancelled_meeting_gives_no_points_unless_it_had_passed() -> None:
    assert scored([captured(), booked(1, ends=5), cancelled(2)], day(6)).points == (0, 0, 0)
    assert scored([captured(), booked(1, ends=5), cancelled(7)], day(8)).engagement == 11


def test_a_meeting_booked_again_ends_at_the_end_of_the_last_booking() -> None:
    signals = [captured(), booked(1, ends=5), booked(2, ends=9)]
    assert [one.kind for one in history_of(signals, day(6)).meetings] == ["booked"]
    assert [one.kind for one in history_of(signals, day(9)).meetings] == ["booked", "held"]


def test_a_meeting_booked_again_with_the_same_end_has_passed_when_it_had_passed() -> None:
    for booking in (booked(1, ends=5), booked(6, ends=5)):
        once = [captured(), booking]
        again = [*once, booked(20, ends=5)]
        assert scored(again, day(20)).points == scored(once, day(20)).points
        assert history_of(again, day(20)).meetings == history_of(once, day(20)).meetings
    moved_back = [captured(), booked(1, ends=5), cancelled(2), booked(6, ends=5)]
    assert [one.at for one in history_of(moved_back, day(7)).meetings if one.kind == "held"] == [day(6)]


def test_unanswered_messages_cost_points_until_the_lead_replies() -> None:
    model = a_model(
        a_rule("base", "engagement", 10), a_rule("quiet", "engagement", -6, message="unanswered", op="gte", value=4)
    )
    signals = [captured(), *(sent(days) for days in (1, 2, 3, 4))]
    assert scored(signals, day(5), model).engagement == 4
    assert scored([*signals, reply("question", 6)], day(7), model).engagement == 10
    assert scored([*signals, reply("out_of_office", 6)], day(7), model).engagement == 4


def test_captures_version_decides_which_contact_fields_are_newest() -> None:
    signals = [captured(company="Old"), updated(9, 3, company="Newest"), updated(10, 2, company="Newer")]
    assert history_of(signals, day(11)).field("company") == "Newest"
    assert history_of(signals, day(1)).field("company") == "Old"


def test_a_field_that_an_update_no_longer_has_is_removed() -> None:
    assert history_of([captured(company="Acme"), updated(1, 2)], day(2)).field("company") is None


def test_a_fact_that_its_source_no_longer_publishes_is_removed() -> None:
    signals = [captured(), enriched(1, seniority="staff", country="DE"), enriched(2, seniority="head")]
    facts = history_of(signals, day(3)).facts
    assert {name: known[:2] for name, known in facts.items()} == {"seniority": ("head", day(2))}


def test_facts_of_another_source_stay_and_the_later_event_counts() -> None:
    theirs = enriched(1.5, "urn:other", employees=70, country="AT")
    signals = [captured(), enriched(1, seniority="staff", country="DE"), theirs, enriched(2, seniority="head")]
    facts = history_of(signals, day(3)).facts
    assert {name: known[0] for name, known in facts.items()} == {"seniority": "head", "employees": 70, "country": "AT"}


def test_a_repeated_fact_keeps_the_moment_of_its_first_event() -> None:
    signals = [captured(), enriched(1, seniority="head"), enriched(2, seniority="head", country="DE")]
    assert history_of(signals, day(3)).facts["seniority"][1] == day(1)


def test_a_merged_lead_is_scored_on_the_signals_of_both() -> None:
    other = a_signal("lead.captured", -5, lead=ALIAS, source="website", company="Alias Ltd", version=7)
    theirs = a_signal("engagement.recorded", 1, lead=ALIAS, kind="form", page="/demo")
    signals = [captured(source="referral"), other, theirs]
    history = history_of(signals, day(1))
    assert history.captured_at == day(-5)
    assert scored(signals, day(1)).intent == 28


def test_a_merged_lead_has_its_own_fields_which_capture_filled_from_the_alias() -> None:
    other = a_signal("lead.captured", -5, lead=ALIAS, source="website", company="Alias Ltd", version=7)
    signals = [captured(source="referral"), other, updated(2, 2, company="Alias Ltd"), updated(3, 3)]
    fields = [history_of(signals, day(days)).field_since("company") for days in (1, 2, 3)]
    assert [(field.value, field.since) for field in fields] == [(None, day(0)), ("Alias Ltd", day(2)), (None, day(3))]
    assert history_of([other], day(1)).field("company") == "Alias Ltd", "until the lead itself has been captured"


def test_an_explanation_names_the_event_the_fact_and_the_time() -> None:
    signals = [captured(company="Acme"), enriched(1, seniority="head"), engagement("visit", 2, id="visit-1")]
    explained = {part.rule: part for part in explain(DEFAULT, history_of(signals, day(2)), day(2))}
    assert (explained["leader"].fact, explained["leader"].at) == ("seniority", day(1))
    assert (explained["visit"].event_id, explained["visit"].at) == ("visit-1", day(2))
    assert (explained["company-known"].field, explained["company-known"].at) == ("company", day(0))


@pytest.mark.parametrize(
    ("who", "facts", "engagements", "lowest", "highest", "bands"),
    [
        (
            captured(source="website", email="x@gmail.com", job_title="Student", phone="+491701234567"),
            {"email_free": True, "seniority": "student"},
            [engagement("visit", 1), engagement("form", 1, page="/newsletter")],
            10,
            22,
            "D",
        ),
        (
            captured(source="import", company="Acme"),
            {"email_free": False, "seniority": "manager", "department": "sales"},
            [],
            25,
            49,
            "C",
        ),
        (
            captured(source="website", company="Acme", phone="+493012345"),
            {"email_free": False, "seniority": "head", "department": "marketing"},
            [engagement("form", 1, page="/demo"), engagement("visit", 0.5), engagement("visit", 1, page="/pricing")],
            70,
            100,
            "AB",
        ),
        (captured(source="import"), {"email_free": True, "email_disposable": True}, [], 0, 0, "D"),
    ],
)
def test_the_default_model_scores_a_student_below_a_buyer(
    who: Signal, facts: dict[str, object], engagements: list[Signal], lowest: int, highest: int, bands: str
) -> None:
    score = scored([who, enriched(0, **facts), *engagements], day(2))
    assert lowest <= score.total <= highest
    assert score.band in bands


def test_the_built_in_model_counts_the_opens_of_one_message_once_a_day() -> None:
    once = [captured(), engagement("open", 1, properties={"message_id": "m1"})]
    many = [
        captured(),
        *(engagement("open", 1 + n / 2_000, f"o{n}", properties={"message_id": "m1"}) for n in range(30)),
    ]
    assert scored(many, day(1.1)).engagement == scored(once, day(1.1)).engagement == 1
    history = history_of(many, day(1.1))
    assert [part.rule for part in explain(DEFAULT, history, day(1.1)) if part.score == "engagement"][:2] == [
        "open",
        "rounding",
    ]


def test_opens_of_another_message_or_on_another_day_count_again() -> None:
    model = a_model(a_rule(points=2, engagement="open", op="exists") | {"once_a_day": True})
    signals = [
        captured(),
        engagement("open", 0.1, "a", properties={"message_id": "m1"}),
        engagement("open", 0.2, "b", properties={"message_id": "m1"}),
        engagement("open", 0.3, "c", properties={"message_id": "m2"}),
        engagement("open", 1.1, "d", properties={"message_id": "m1"}),
        engagement("open", 1.2, "e"),
        engagement("open", 1.3, "f"),
    ]
    assert scored(signals, day(2), model).intent == 8


def test_the_main_reasons_are_the_rules_that_weigh_most_losses_too():
    model = a_model(
        a_rule("website", points=6),
        a_rule("visits", "engagement", 3, 14, engagement="visit", op="exists"),
        a_rule("student", "fit", -20, fact="seniority", op="eq", value="student"),
        a_rule("small", "fit", 1, field="company", op="exists"),
    )
    signals = [captured(), enriched(seniority="student"), *(engagement("visit", n, id=f"v{n}") for n in (0, 7, 14))]
    found = main_reasons(scored(signals, day(14), model))
    assert [(reason.rule, reason.score, reason.times) for reason in found] == [
        ("student", "fit", 1),
        ("visits", "engagement", 3),
        ("website", "intent", 1),
    ]
    assert found[0] == ("student", "fit", -20.0, 1, "seniority", None)
    assert found[1].points == round(3 * 0.5 + 3 * 0.5**0.5 + 3, 2)


@given(SIGNALS)
def test_the_main_reasons_are_those_of_the_explanation(signals):
    history = history_of(signals, day(90))
    by_rule: dict[str, Decimal] = {}
    for contribution in explain(DEFAULT, history, day(90)):
        if contribution.rule not in RESERVED_IDS:
            by_rule[contribution.rule] = by_rule.get(contribution.rule, Decimal(0)) + contribution.points
    for reason in main_reasons(score_at(DEFAULT, history, day(90))):
        assert abs(Decimal(str(reason.points)) - by_rule[reason.rule]) <= Decimal("0.01") * reason.times

"""The hot flag with its alerts, and the next action."""

import pytest

from services.stages.rules import DEFAULT_SETTINGS, Stage, TenantSettings, is_hot, next_action
from tests.unit.stages.story import ONE_ITEM, PHONE, Lead, a_lead, day


@pytest.mark.parametrize(
    ("alerted", "total", "hot"),
    [(False, 79, False), (False, 80, True), (True, 79, True), (True, 70, True), (True, 69, False), (False, 75, False)],
)
def test_a_lead_is_hot_from_up_on_and_cools_below_down(alerted: bool, total: int, hot: bool) -> None:
    assert is_hot(alerted, total, DEFAULT_SETTINGS, Stage.NEW) is hot


@pytest.mark.parametrize("stage", ["won", "lost", "bad_phone", "bad_contact", "moved_company", "dead"])
def test_only_open_stages_are_hot(stage: str) -> None:
    assert not is_hot(True, 100, DEFAULT_SETTINGS, Stage(stage))
    assert not a_lead().scored(90).in_stage(stage).journey.hot


def test_each_crossing_alerts_once() -> None:
    outcome = a_lead().scored(82).scored(85).scored(75).scored(81).scored(60).scored(95).fold()
    assert [(alert.total, alert.threshold) for alert in outcome.became_hot] == [(82, 80), (95, 80)]
    assert outcome.became_hot[0].caused_by == "event-002"


def test_a_lead_reopened_by_hand_is_hot_again_without_an_alert() -> None:
    outcome = a_lead().scored(90).moved("lost", reason="x").moved("engaged").fold()
    assert outcome.journey.hot
    assert len(outcome.became_hot) == 1


@pytest.mark.parametrize("closed", ["won", "lost", "bad_phone", "bad_contact", "moved_company"])
def test_a_lead_whose_score_rose_while_it_was_closed_alerts_when_it_is_opened_again(closed: str) -> None:
    outcome = a_lead().moved(closed, reason="x").scored(90).moved("engaged").scored(95).fold()
    assert outcome.journey.hot
    assert [(alert.total, alert.threshold, alert.caused_by) for alert in outcome.became_hot] == [(90, 80, "event-004")]


def test_a_lead_that_cooled_while_it_was_closed_alerts_anew() -> None:
    outcome = a_lead().scored(90).moved("lost", reason="x").scored(60).scored(85).moved("engaged").fold()
    assert [(alert.total, alert.caused_by) for alert in outcome.became_hot] == [(90, "event-002"), (85, "event-006")]


def test_a_lead_that_did_not_cool_while_it_was_closed_is_hot_again() -> None:
    closed = a_lead().scored(90).moved("lost", reason="x").scored(75)
    assert not closed.journey.hot
    outcome = closed.moved("engaged").scored(82).fold()
    assert outcome.journey.hot
    assert len(outcome.became_hot) == 1


def test_a_lead_that_is_closed_and_opened_again_below_the_threshold_is_not_hot() -> None:
    lead = a_lead().moved("lost", reason="x").scored(75).moved("engaged")
    assert not lead.journey.hot
    assert lead.scored(80).fold().became_hot[0].caused_by == "event-005"


def test_the_thresholds_of_the_time_count() -> None:
    lead = Lead(TenantSettings(), TenantSettings(hot_up=50, hot_down=40, valid_from=day(2))).captured()
    assert not lead.scored(60, at=1).journey.hot
    assert lead.scored(60, at=3).journey.hot


def test_alerts_are_only_for_what_happened_lately() -> None:
    settings = TenantSettings(react_within_hours=48)
    assert settings.reacts_to(day(0), day(2))
    assert not settings.reacts_to(day(0), day(2.01))


def action(lead: Lead, settings: TenantSettings = ONE_ITEM, now: float = 1) -> str | None:
    return next_action(lead.journey, settings, day(now))


def test_each_state_of_a_lead_has_its_next_action() -> None:
    assert action(a_lead()) == "send the first message"
    assert action(a_lead().scored(90)) == "send the first message now: hot"
    assert action(a_lead().sent()) == "wait for a reply"
    assert action(a_lead().sent().replied()) == "answer the reply"
    assert action(a_lead().sent().replied().sent()) == "qualify: need is missing"
    assert action(a_lead(ONE_ITEM).ticked()) == "book a meeting"
    assert action(a_lead().booked(ends=3)) == "meet on 2025-03-06 08:00 UTC"
    assert action(a_lead().replied("meeting_request").booked(ends=3)) == "meet on 2025-03-06 08:00 UTC"
    assert action(a_lead().booked(ends=3).replied("question")) == "answer the reply"
    assert action(a_lead().moved("meeting_completed")) == "mark won or lost"
    assert action(a_lead().moved("nurture")) == "check in from time to time"
    assert action(a_lead().replied("later", later_until="2025-06-01")) == "check in on 2025-06-01"
    assert action(a_lead().sent().used_up("email")) == "change the outreach mode, or find a new e-mail or phone"
    assert action(a_lead(phone=PHONE).mode("email_only").used_up("email").mode("blended")) == "follow up: revived"
    assert action(a_lead().moved("won")) is None


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_has_an_answer(stage: Stage) -> None:
    lead = a_lead(DEFAULT_SETTINGS).in_stage(stage)
    assert (next_action(lead.journey, DEFAULT_SETTINGS, day(1)) is None) == (lead.journey.stage not in _open())


def _open() -> set[Stage]:
    return {
        stage for stage in Stage if stage not in {"won", "lost", "bad_phone", "bad_contact", "moved_company", "dead"}
    }

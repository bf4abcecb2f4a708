"""The record: transitions, what was ignored, corrections, and the journey as it is stored."""

import json

import orjson
import pytest

from services.stages.rules import (
    SIGNAL_TYPES,
    Journey,
    SettingsHistory,
    TenantSettings,
    address_key,
    advance,
    compare,
    signal_data,
)
from tests.unit.stages.story import ALIAS, ANNA, LEAD, PHONE, Lead, a_lead, day


def a_long_story() -> Lead:
    lead = a_lead(phone=PHONE, owner="ann").scored(85).sent().replied("question").mode("email_only").bounced("soft")
    lead.ticked("need").add("sequence.enrolled", enrolment_id="e").add("sequence.exited", enrolment_id="e")
    lead.booked("m1", ends=3).booked("m2", ends=5).cancelled("m2", at=1).moved("won", at=4)
    return lead.opted_out("reply", at=5, reply_id="unknown")


def test_a_transition_has_all_fields_of_the_record() -> None:
    move = a_lead().sent(at=1).fold().transitions[0]
    assert (move.rule, move.actor, move.reason) == (
        "first-message",
        "system:first-message",
        "the first message was sent",
    )
    assert (move.from_status, move.status) == ("new", "contacted")
    assert (move.caused_by, move.occurred_at) == ("event-002", day(1))


def test_the_cause_of_a_timers_move_names_the_timer() -> None:
    moves = a_lead().booked("m7", at=1, ends=3).fold(90).transitions
    assert moves[1].caused_by.startswith("timer:meeting-passed:m7@2025-03-06T09:00")
    assert moves[2].caused_by.startswith("timer:quiet:")
    assert moves[2].actor == "system:quiet"


def test_a_disqualification_carries_its_reason() -> None:
    assert a_lead().replied("declined").fold().transitions[-1].disqualification_reason == "the lead declined"
    assert a_lead().moved("lost", reason="price").fold().transitions[-1].disqualification_reason == "price"


def test_an_older_signal_supersedes_the_moves_that_no_longer_hold() -> None:
    lead = a_lead().sent(at=1).replied(at=3)
    before = lead.fold().transitions
    after = lead.replied("later", at=2).fold().transitions
    correction = compare(before, after)
    assert [each.rule for each in correction.superseded] == ["reply"]
    assert [(each.rule, str(each.from_)) for each in correction.added] == [("later", "contacted"), ("reply", "nurture")]
    unchanged = compare(after, after)
    assert (unchanged.superseded, unchanged.added) == ([], [])


def test_a_late_opt_out_supersedes_the_move_to_won() -> None:
    lead = a_lead().sent(at=1).moved("won", at=5)
    before = lead.fold()
    after = lead.opted_out(at=2).fold()
    correction = compare(before.transitions, after.transitions)
    assert [each.actor for each in correction.superseded] == [ANNA]
    assert [each.rule for each in correction.added] == ["opted-out"]
    assert [each.type for each in after.ignored] == ["manual.move"]


def test_the_journey_survives_its_json() -> None:
    lead = a_long_story()
    for until in (0.5, 2, 4, 5, 90):
        journey = lead.at(until)
        stored = orjson.loads(orjson.dumps(journey.to_json()))
        assert Journey.from_json(stored) == journey
        assert orjson.dumps(Journey.from_json(stored).to_json()) == orjson.dumps(journey.to_json())


def test_a_new_journey_is_small() -> None:
    stored = orjson.loads(orjson.dumps(a_lead().journey.to_json()))
    assert len(json.dumps(stored)) < 400


def test_the_facts_are_those_of_the_contract() -> None:
    journey = a_long_story().journey
    assert journey.facts() == {
        "contacted": True,
        "first_qualified_on": journey.first_qualified_on,
        "won_on": day(4),
        "meetings_held": 1,
        "owner": "ann",
        "created_on": day(0),
    }


def test_signals_hold_no_contact_detail() -> None:
    secret = {"email": "lee@example.com", "phone": PHONE, "address": "lee@example.com", "first_name": "Lee"}
    body = {**secret, "lead_id": LEAD, "created_on": day(0), "changed": ["email"], "excerpt": "call me"}
    for type in sorted(SIGNAL_TYPES):
        text = json.dumps(signal_data(type, body))
        assert not any(str(detail) in text for detail in (*secret.values(), "call me")), type
    assert signal_data("lead.captured", body)["email_key"] == address_key("LEE@example.com ")


@pytest.mark.parametrize("type", sorted(SIGNAL_TYPES))
def test_reducing_a_signal_twice_changes_nothing(type: str) -> None:
    body = {"email": "a@b.example", "phone": PHONE, "address": PHONE, "evidence": [{"item": "need", "sentence": "x"}]}
    once = signal_data(type, body)
    assert signal_data(type, once) == once


def test_a_removed_address_is_known_to_be_gone() -> None:
    assert signal_data("lead.updated", {"email": None}) == {"email_key": None}
    assert signal_data("lead.updated", {"changed": ["phone"]}) == {"phone_key": None}
    assert signal_data("lead.updated", {"changed": ["company"]}) == {}


def test_settings_survive_their_json() -> None:
    body = {
        "checklist": [
            {"id": "need", "label": "Need", "required": True},
            {"id": "s", "label": "Score", "required": False, "rule": {"score_at_least": 50}},
        ],
        "thresholds": {"hot": {"up": 60, "down": 50}},
        "quiet_days": 0.25,
        "react_within_hours": 1,
    }
    assert TenantSettings.from_json(body).to_json() == body
    assert TenantSettings.from_json({}).to_json() == TenantSettings().to_json()


def test_settings_hold_from_their_commit_on() -> None:
    history = SettingsHistory.of(
        TenantSettings(quiet_days=5, valid_from=day(5)), TenantSettings(quiet_days=2, valid_from=day(2))
    )
    assert [history.at(day(number)).quiet_days for number in (1, 2, 4, 5, 9)] == [30, 2, 2, 5, 5]


def test_a_late_merge_and_its_undo_are_the_fold_of_the_signals_in_question() -> None:
    kept = a_lead(owner="ann").sent(at=1).moved("qualified", at=3)
    alias = Lead().numbered_from(50).captured(lead_id=ALIAS, created_on=day(-3), owner="bob").opted_out(at=2)
    merged = Lead()
    merged.signals = kept.signals + alias.signals
    assert (merged.at(4).stage, merged.at(4).created_on, merged.at(4).owner) == ("dead", day(-3), "ann")
    assert (kept.at(4).stage, kept.at(4).created_on) == ("qualified", day(0))
    assert (alias.at(4).stage, alias.at(4).owner) == ("dead", "bob")


def test_advance_changes_the_journey_in_place_and_returns_only_new_transitions() -> None:
    lead = a_lead().sent(at=1)
    journey = lead.journey
    outcome = advance(journey, lead.replied(at=2).signals[-1:], lead.history, day(2))
    assert outcome.journey is journey
    assert [each.rule for each in outcome.transitions] == ["reply"]

"""Explanations and the dry run."""

from datetime import timedelta

import pytest

from services.stages.rules import Item, Stage, TenantSettings, dry_run, explain
from tests.unit.stages.story import PHONE, Lead, a_lead, day

TWO = TenantSettings(checklist=(Item("authority", "Authority"), Item("score", "Score", score_at_least=70)))


def explained(lead: Lead, now: float = 1) -> tuple[str, list[str]]:
    answer = explain(lead.journey, lead.history, day(now))
    return answer["because"], answer["would_move"]


def test_an_explanation_names_the_reason_of_the_stage() -> None:
    assert explained(a_lead())[0] == "New: captured, and nothing has moved it yet."
    assert explained(a_lead().sent(at=1))[0] == "Contacted since 2025-03-04: the first message was sent."
    assert explained(a_lead().moved("nurture", at=1, note="budget freeze"))[0] == (
        "Nurture by hand since 2025-03-04: budget freeze."
    )
    assert explained(a_lead().moved("nurture", at=1))[0] == "Nurture since 2025-03-04: moved by hand."


def test_an_explanation_names_the_missing_items_and_the_day_of_nurture() -> None:
    sentences = explained(a_lead(TWO).scored(62).sent(at=1))[1]
    assert "to qualify: authority is missing, score 62 of 70" in sentences
    assert "to nurture on 2025-04-03 when the lead stays quiet" in sentences
    assert "to engaged when the lead replies" in sentences
    assert "to dead when the lead opts out" in sentences


def test_an_explanation_leaves_out_rules_that_cannot_move_this_lead() -> None:
    with_mail = explained(a_lead(phone=PHONE).sent())[1]
    assert not any("bad phone" in sentence for sentence in with_mail)
    assert "to bad contact when every known address fails" in with_mail
    phone_only = explained(a_lead(email=None, phone=PHONE).sent())[1]
    assert "to bad phone when the phone fails" in phone_only
    assert not any("bad contact" in sentence for sentence in phone_only)


def test_an_explanation_names_the_day_on_which_the_meeting_ends() -> None:
    sentences = explained(a_lead().booked(ends=3))[1]
    assert "to meeting completed on 2025-03-06 when the meeting ends" in sentences
    assert "to engaged when the meeting is cancelled" in sentences


def test_an_explanation_of_a_lead_in_a_sequence_names_no_day_of_nurture() -> None:
    sentences = explained(a_lead().sent().add("sequence.enrolled", enrolment_id="e"))[1]
    assert "to nurture when the lead stays quiet after the running sequence" in sentences


def test_an_explanation_of_an_end_stage_names_the_ways_out() -> None:
    assert explained(a_lead().opted_out())[1] == ["nothing: a dead lead is never revived"]
    assert explained(a_lead().moved("lost", reason="x"))[1] == [
        "to dead when the lead opts out",
        "to any other stage by hand only",
    ]
    because, would_move = explained(a_lead().moved("won").opted_out())
    assert because.endswith("The customer opted out: nothing is sent any more.")
    assert would_move == ["to dead by hand: the customer opted out"]


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_is_explained(stage: Stage) -> None:
    because, would_move = explained(a_lead().in_stage(stage))
    assert because.endswith(".")
    assert would_move and all("{" not in sentence for sentence in would_move)


def test_a_checklist_completed_before_is_explained() -> None:
    lead = a_lead(TenantSettings(checklist=(Item("need", "Need"),))).ticked().moved("engaged")
    assert "to qualify: by hand, the checklist was completed before" in explained(lead)[1]
    assert (
        "to qualify: by hand, the checklist has no required item" in explained(a_lead(TenantSettings(checklist=())))[1]
    )


def test_a_dry_run_shows_the_moves_of_now_and_of_the_next_thirty_days() -> None:
    lead = a_lead().sent(at=0)
    now = day(10)
    shorter = dry_run(lead.at(10), lead.history, TenantSettings(quiet_days=7), now)
    assert [(move.transition.to, move.transition.occurred_at, move.anyway) for move in shorter] == [
        (Stage.NURTURE, now, False)
    ]
    soon = dry_run(lead.at(10), lead.history, TenantSettings(quiet_days=25), now)
    assert [(move.transition.occurred_at, move.anyway) for move in soon] == [(day(25), False)]
    assert dry_run(lead.at(10), lead.history, TenantSettings(quiet_days=60), now) == []


def test_a_dry_run_marks_moves_that_the_change_does_not_cause() -> None:
    lead = a_lead().sent(at=0)
    (move,) = dry_run(lead.at(10), lead.history, TenantSettings(), day(10))
    assert move.anyway
    assert move.transition.occurred_at == day(30)


def test_a_dry_run_changes_nothing() -> None:
    lead = a_lead().sent(at=0)
    journey = lead.at(10)
    dry_run(journey, lead.history, TenantSettings(quiet_days=1), day(10), timedelta(days=90))
    assert journey == lead.at(10)
    assert len(lead.history.versions) == 1


def test_a_changed_checklist_moves_no_lead_in_a_dry_run() -> None:
    lead = a_lead(TWO).scored(80)
    assert dry_run(lead.journey, lead.history, TenantSettings(checklist=TWO.checklist[1:]), day(1)) == []

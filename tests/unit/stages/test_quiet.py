"""Quiet: no contact from the lead for the tenant's quiet period."""

import pytest

from services.stages.rules import Journey, Stage, TenantSettings, next_due
from tests.unit.stages.story import Lead, a_lead, day


def due(lead: Lead) -> float | None:
    """In how many days after the start the next timer fires."""
    moment = next_due(lead.journey, lead.history)
    return None if moment is None else (moment - day(0)).total_seconds() / 86400


@pytest.mark.parametrize("stage", ["contacted", "engaged", "qualified", "meeting_completed"])
def test_thirty_days_without_a_contact_move_the_lead_to_nurture(stage: str) -> None:
    lead = a_lead().moved(stage, at=1)
    assert due(lead) == 31
    assert lead.at(30.999).stage == stage
    assert lead.at(31).stage is Stage.NURTURE
    assert lead.at(31).because == "no contact from the lead for 30 days"


@pytest.mark.parametrize("stage", ["new", "scheduled", "nurture", "exhausted", "won", "lost", "dead"])
def test_other_stages_have_no_timer(stage: str) -> None:
    assert due(a_lead().in_stage(stage)) is None


def test_the_last_human_reply_counts() -> None:
    assert due(a_lead().moved("engaged", at=1).replied(at=5)) == 35


@pytest.mark.parametrize("label", ["out_of_office", "auto_reply", "bounce", "wrong_person"])
def test_a_reply_that_the_lead_did_not_write_does_not_count(label: str) -> None:
    assert due(a_lead().moved("engaged", at=1).replied(label, at=5)) == 31


def test_our_own_messages_do_not_count() -> None:
    assert due(a_lead().sent(at=1).sent(at=5)) == 31


def test_the_last_meetings_end_counts() -> None:
    assert due(a_lead().booked(ends=8).moved("qualified", at=1)) == 8
    lead = a_lead().booked(ends=8)
    assert next_due(lead.at(9), lead.history) == day(38)


def test_a_cancelled_meeting_does_not_count() -> None:
    assert due(a_lead().booked(ends=8).moved("engaged", at=1).cancelled(at=2)) == 31


def test_a_meeting_cancelled_long_after_the_quiet_period_lets_the_timer_fire_at_once() -> None:
    lead = a_lead().moved("engaged", at=1).booked(at=2, ends=60).moved("engaged", at=3).cancelled(at=50)
    (*_, last) = lead.fold(50).transitions
    assert (last.rule, last.occurred_at) == ("quiet", day(50))


def test_a_running_sequence_keeps_the_lead_from_being_quiet() -> None:
    lead = a_lead().add("sequence.enrolled", 1, enrolment_id="e").sent(at=2)
    assert due(lead) is None
    assert due(lead.add("sequence.exited", 20, enrolment_id="e")) == 50


def test_a_sequence_that_comes_back_keeps_the_lead_from_being_quiet_again() -> None:
    lead = (
        a_lead().add("sequence.enrolled", 1, enrolment_id="e").sent(at=2).add("sequence.exited", 20, enrolment_id="e")
    )
    lead.add("sequence.changed", 21, enrolment_id="e", change="paused")
    assert due(lead) == 50
    assert due(lead.add("sequence.changed", 22, enrolment_id="e", change="restored")) is None
    assert due(lead.add("sequence.exited", 30, enrolment_id="e")) == 60


def test_of_two_sequences_the_last_one_to_end_counts() -> None:
    lead = a_lead().sent(at=1)
    for name, at in (("a", 2.0), ("b", 3.0)):
        lead.add("sequence.enrolled", at, enrolment_id=name)
    lead.add("sequence.exited", 9, enrolment_id="b")
    assert due(lead) is None
    assert due(lead.add("sequence.exited", 10, enrolment_id="a")) == 40


def test_the_tenant_sets_the_period_in_fractions_too() -> None:
    lead = a_lead(TenantSettings(quiet_days=0.5)).sent(at=1)
    assert due(lead) == 1.5
    assert lead.at(2).because == "no contact from the lead for 0.5 days"


def test_a_shorter_period_reaches_back_at_its_commit_and_not_before() -> None:
    lead = Lead(TenantSettings(), TenantSettings(quiet_days=7, valid_from=day(20))).captured().sent(at=1)
    assert due(lead) == 20
    assert due(lead.replied(at=15)) == 22


def test_a_longer_period_holds_from_its_commit_on() -> None:
    history = (TenantSettings(), TenantSettings(quiet_days=60, valid_from=day(20)))
    assert due(Lead(*history).captured().sent(at=1)) == 61
    late = Lead(TenantSettings(), TenantSettings(quiet_days=60, valid_from=day(40))).captured().sent(at=1)
    assert late.at(50).stage is Stage.NURTURE


def test_after_nurture_the_lead_is_not_quiet_again_until_it_was_back() -> None:
    lead = a_lead().sent(at=1).replied(at=40)
    assert lead.rules == ["first-message", "quiet", "reply"]
    assert due(lead) == 70


def test_an_erased_lead_has_no_timer() -> None:
    journey: Journey = a_lead().sent().add("lead.erased", 2).journey
    assert next_due(journey, a_lead().history) is None

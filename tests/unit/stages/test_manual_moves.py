"""People: a human may move a lead from any stage to any other, except out of dead."""

from itertools import permutations

import pytest

from services.stages.rules import ACTIVE, DISQUALIFIED, Stage, status_of
from tests.unit.stages.story import ALIAS, ANNA, Lead, a_lead, day


@pytest.mark.parametrize(
    ("here", "there"), [(here, there) for here, there in permutations(Stage, 2) if here is not Stage.DEAD]
)
def test_a_human_moves_a_lead_from_any_stage_to_any_other(here: Stage, there: Stage) -> None:
    outcome = a_lead().in_stage(here).moved(there, reason="no budget", note="as agreed").fold()
    move = outcome.transitions[-1]
    assert (move.from_, move.to, move.rule, move.actor, move.reason) == (here, there, "manual", ANNA, "as agreed")
    assert outcome.journey.stage is there
    assert (outcome.journey.disqualification_reason == "no budget") == (there in DISQUALIFIED)


def test_a_move_to_the_present_stage_is_not_a_move() -> None:
    lead = a_lead().moved("nurture", at=1).moved("nurture", at=2)
    assert lead.rules == ["manual"]
    assert lead.journey.entered_at == day(1)


def test_won_and_lost_after_a_meeting_are_marked_by_a_human() -> None:
    lead = a_lead().booked(ends=3)
    assert lead.at(4).stage is Stage.MEETING_COMPLETED
    assert lead.moved("won", at=5).stage is Stage.WON
    assert lead.journey.won_on == day(5)


def test_the_reason_of_a_disqualification_is_cleared_when_it_is_left() -> None:
    lead = a_lead().moved("lost", reason="no budget")
    assert lead.journey.disqualification_reason == "no budget"
    assert lead.moved("contacted").journey.disqualification_reason is None


@pytest.mark.parametrize("stage", ["qualified", "scheduled", "meeting_completed", "won"])
def test_scheduled_or_beyond_or_won_counts_as_having_reached_qualified(stage: str) -> None:
    assert a_lead().moved(stage, at=2).journey.first_qualified_on == day(2)


def test_reaching_qualified_again_keeps_the_first_time() -> None:
    lead = a_lead().moved("qualified", at=2).moved("lost", at=3, reason="no").moved("qualified", at=4)
    assert lead.journey.first_qualified_on == day(2)


def test_a_lead_that_is_no_longer_won_has_no_won_date() -> None:
    assert a_lead().moved("won", at=2).moved("nurture", at=3).journey.won_on is None


@pytest.mark.parametrize("stage", list(Stage))
def test_the_status_follows_the_stage(stage: Stage) -> None:
    expected = {
        "new": "new",
        "contacted": "contacted",
        "engaged": "contacted",
        "qualified": "qualified",
        "scheduled": "qualified",
        "meeting_completed": "qualified",
        "nurture": "new",
        "exhausted": "contacted",
        "won": "converted",
    }
    assert a_lead().in_stage(stage).journey.status == expected.get(stage, "disqualified")
    assert status_of(stage, True) in ("new", "contacted", "qualified", "disqualified", "converted")


def test_contacted_in_the_status_of_nurture_means_that_a_message_was_sent() -> None:
    assert a_lead().moved("nurture").journey.status == "new"
    assert a_lead().sent().moved("nurture").journey.status == "contacted"
    assert a_lead().moved("contacted").moved("nurture").journey.status == "new"


def test_the_first_message_to_a_lead_in_nurture_is_recorded_as_a_change_of_its_status() -> None:
    move = a_lead().moved("nurture").sent().fold().transitions[-1]
    assert (move.from_, move.to, move.rule) == (Stage.NURTURE, Stage.NURTURE, "first-message")
    assert (move.from_status, move.status) == ("new", "contacted")


@pytest.mark.parametrize("kind", ["first", "follow_up", "answer", "nurture", "sequence"])
def test_a_first_message_of_any_kind_contacts_the_lead(kind: str) -> None:
    assert a_lead().add("message.sent", channel="sms", kind=kind).stage is Stage.CONTACTED


def test_a_second_message_is_explained_as_routine() -> None:
    outcome = a_lead().sent().sent().fold()
    assert [(each.reason, each.routine) for each in outcome.ignored] == [("not the first message", True)]


def test_the_owner_in_a_capture_counts_at_capture_only() -> None:
    lead = a_lead(owner="ann")
    assert lead.journey.owner == "ann"
    lead.add("lead.assigned", 1, owner="bob", previous="ann").updated(at=2, owner="carl")
    assert lead.journey.owner == "bob"
    assert lead.add("lead.assigned", 3, owner=None, previous="bob").journey.owner is None


@pytest.mark.parametrize("at", [-1, 2])
def test_the_owner_of_an_alias_counts_where_the_lead_was_captured_without_one(at: float) -> None:
    assert a_lead(owner="ann").captured(at=at, lead_id=ALIAS, owner="bob").journey.owner == "ann"
    assert a_lead().captured(at=at, lead_id=ALIAS, owner="bob").journey.owner == "bob"


def test_an_owner_is_cut_to_what_a_person_may_enter() -> None:
    assert a_lead(owner="x" * 2_000).journey.owner == "x" * 200
    assert a_lead().add("lead.assigned", 1, owner="y" * 201, previous=None).journey.owner == "y" * 200


def test_a_lead_whose_owner_was_removed_has_none_after_a_merge() -> None:
    lead = a_lead(owner="ann").add("lead.assigned", 1, owner=None, previous="ann")
    assert lead.captured(at=2, lead_id=ALIAS, owner="bob").journey.owner is None


def test_a_human_can_skip_stages_and_automation_goes_on_from_there() -> None:
    for stage in sorted(ACTIVE - {Stage.SCHEDULED}):
        assert a_lead().in_stage(stage).booked(ends=9).stage is Stage.SCHEDULED


def test_an_erased_lead_keeps_its_counts_and_nothing_moves_it() -> None:
    lead: Lead = a_lead(owner="ann").sent().booked(at=1, ends=3).moved("won", at=4).add("lead.erased", 5)
    lead.moved("lost", at=6, reason="x")
    journey = lead.journey
    assert (journey.stage, journey.meetings_held, journey.won_on, journey.owner) == (Stage.WON, 1, day(4), None)
    assert journey.contacts == {} and journey.addresses == {}
    assert lead.ignored == "the lead was erased"

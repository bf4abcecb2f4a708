"""Opt-outs: whose opt-out makes a lead dead, and that a dead lead stays dead."""

import pytest

from services.stages.rules import ACTIVE, Stage, manual_move_refusal
from tests.unit.stages.story import a_lead


@pytest.mark.parametrize("how", ["reply", "stop_word", "unsubscribe", "blocklist"])
def test_an_opt_out_of_the_lead_itself_or_a_blocklist_makes_it_dead_on_any_channel(how: str) -> None:
    for channel in ("email", "sms", "all"):
        assert a_lead().opted_out(how, channel).stage is Stage.DEAD


def test_an_operators_opt_out_for_all_channels_makes_the_lead_dead() -> None:
    assert a_lead().opted_out("operator", "all").stage is Stage.DEAD


def test_an_operators_opt_out_for_one_channel_does_not_make_the_lead_dead() -> None:
    assert a_lead().opted_out("operator", "email").stage is Stage.EXHAUSTED
    assert a_lead().opted_out("operator", "sms").stage is Stage.NEW


@pytest.mark.parametrize("stage", [*sorted(ACTIVE), Stage.EXHAUSTED, Stage.LOST, Stage.BAD_PHONE, Stage.BAD_CONTACT])
def test_an_opt_out_ends_every_stage_but_won(stage: Stage) -> None:
    assert a_lead().in_stage(stage).opted_out().stage is Stage.DEAD


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.DEAD])
def test_a_person_cannot_move_a_dead_lead(stage: Stage) -> None:
    lead = a_lead().opted_out().moved(stage)
    assert lead.stage is Stage.DEAD
    assert lead.ignored.startswith("void: ")
    assert manual_move_refusal(Stage.DEAD, True, stage)


def test_a_lead_moved_to_dead_by_hand_is_sealed_as_well() -> None:
    assert a_lead().moved("dead", reason="never interested").moved("contacted").replied().stage is Stage.DEAD


def test_won_keeps_its_stage_on_an_opt_out() -> None:
    lead = a_lead().moved("won").opted_out()
    assert lead.stage is Stage.WON
    assert lead.journey.opted_out
    assert lead.ignored == "the lead is won and keeps its stage; nothing is sent to it any more"


def test_a_customer_who_opted_out_is_moved_only_to_dead() -> None:
    lead = a_lead().moved("won").opted_out().moved("nurture")
    assert lead.stage is Stage.WON
    assert lead.ignored == "void: the customer opted out and can only be moved to dead"
    assert lead.moved("dead", reason="asked again").stage is Stage.DEAD
    assert manual_move_refusal(Stage.WON, True, Stage.LOST)
    assert not manual_move_refusal(Stage.WON, True, Stage.DEAD)
    assert not manual_move_refusal(Stage.WON, False, Stage.LOST)


def test_an_opt_out_older_than_the_move_to_won_makes_that_move_void() -> None:
    lead = a_lead().moved("won", at=5).opted_out(at=1)
    assert lead.stage is Stage.DEAD
    assert lead.ignored.startswith("void: ")
    assert lead.journey.won_on is None


def test_the_reason_of_a_dead_lead_is_the_opt_out() -> None:
    assert a_lead().opted_out().journey.disqualification_reason == "opted out"


def test_an_opt_out_of_a_kind_that_this_version_does_not_know_is_believed() -> None:
    assert a_lead().opted_out("a way of a later version", "sms").stage is Stage.DEAD

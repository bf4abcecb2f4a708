"""Opt-outs: who says it, what it closes, and that nobody opens it again."""

import pytest

from services.stages.rules import ACTIVE, Stage, why_no_manual_move
from tests.unit.stages.story import a_lead


@pytest.mark.parametrize("how", ["reply", "stop_word", "unsubscribe", "blocklist"])
def test_what_the_lead_did_itself_or_a_blocklist_is_death_on_any_channel(how: str) -> None:
    for channel in ("email", "sms", "all"):
        assert a_lead().opted_out(how, channel).stage is Stage.DEAD


def test_an_operator_for_all_channels_is_death_too() -> None:
    assert a_lead().opted_out("operator", "all").stage is Stage.DEAD


def test_an_operator_for_one_channel_is_not() -> None:
    assert a_lead().opted_out("operator", "email").stage is Stage.EXHAUSTED
    assert a_lead().opted_out("operator", "sms").stage is Stage.NEW


@pytest.mark.parametrize("stage", [*sorted(ACTIVE), Stage.EXHAUSTED, Stage.LOST, Stage.BAD_PHONE, Stage.BAD_CONTACT])
def test_an_opt_out_ends_every_stage_but_won(stage: Stage) -> None:
    assert a_lead().in_stage(stage).opted_out().stage is Stage.DEAD


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.DEAD])
def test_nobody_moves_a_dead_lead(stage: Stage) -> None:
    lead = a_lead().opted_out().moved(stage)
    assert lead.stage is Stage.DEAD
    assert lead.ignored.startswith("void: ")
    assert why_no_manual_move(Stage.DEAD, True, stage)


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
    assert why_no_manual_move(Stage.WON, True, Stage.LOST)
    assert not why_no_manual_move(Stage.WON, True, Stage.DEAD)
    assert not why_no_manual_move(Stage.WON, False, Stage.LOST)


def test_an_opt_out_older_than_the_move_to_won_makes_that_move_void() -> None:
    lead = a_lead().moved("won", at=5).opted_out(at=1)
    assert lead.stage is Stage.DEAD
    assert lead.ignored.startswith("void: ")
    assert lead.journey.won_on is None


def test_the_reason_of_a_dead_lead_is_the_opt_out() -> None:
    assert a_lead().opted_out().journey.disqualification_reason == "opted out"


def test_an_opt_out_of_a_kind_that_this_version_does_not_know_is_believed() -> None:
    assert a_lead().opted_out("a way of a later version", "sms").stage is Stage.DEAD

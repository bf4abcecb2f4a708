"""The qualification checklist: the tick that completes it qualifies the lead, each time again."""

import pytest

from services.stages.rules import Item, Stage, TenantSettings, describe_missing, missing
from tests.unit.stages.story import ANNA, ONE_ITEM, Lead, a_lead, day

TWO = TenantSettings(checklist=(Item("authority", "Authority"), Item("score", "Score", score_at_least=70)))
SCORE = TenantSettings(checklist=(Item("score", "Score", score_at_least=70),))


def test_the_tick_that_completes_the_list_qualifies() -> None:
    lead = a_lead(TenantSettings()).ticked("budget").ticked("authority").ticked("need")
    assert lead.stage is Stage.NEW
    assert lead.ticked("timing").stage is Stage.QUALIFIED
    assert lead.journey.ticks["timing"].by == ANNA


def test_items_that_are_not_required_do_not_count() -> None:
    settings = TenantSettings(checklist=(Item("need", "Need"), Item("champion", "Champion", required=False)))
    assert a_lead(settings).ticked("need").stage is Stage.QUALIFIED
    assert a_lead(settings).ticked("champion").stage is Stage.NEW


def test_a_list_without_a_required_item_is_never_complete() -> None:
    assert a_lead(TenantSettings(checklist=())).ticked("need").stage is Stage.NEW
    assert a_lead(TenantSettings(checklist=(Item("need", "Need", required=False),))).ticked("need").stage is Stage.NEW


def test_un_ticking_does_not_move_the_lead_back() -> None:
    lead = a_lead(ONE_ITEM).ticked().ticked(ticked=False)
    assert lead.stage is Stage.QUALIFIED
    assert not lead.journey.ticks["need"].ticked


def test_a_list_that_is_completed_again_qualifies_the_lead_again() -> None:
    lead = a_lead(ONE_ITEM).ticked().moved("engaged").ticked()
    assert lead.stage is Stage.ENGAGED
    assert lead.ticked(ticked=False).ticked().stage is Stage.QUALIFIED


def test_the_score_ticks_an_item_that_follows_it() -> None:
    assert a_lead(SCORE).scored(69).stage is Stage.NEW
    assert a_lead(SCORE).scored(70).stage is Stage.QUALIFIED
    assert a_lead(TWO).scored(70).ticked("authority").stage is Stage.QUALIFIED
    assert a_lead(TWO).ticked("authority").scored(70).stage is Stage.QUALIFIED


@pytest.mark.parametrize(("falls_to", "ticked"), [(69, True), (60, True), (59, False)])
def test_a_score_tick_holds_from_n_up_to_ten_below(falls_to: int, ticked: bool) -> None:
    lead = a_lead(TWO).scored(70).scored(falls_to)
    assert lead.journey.ticks["score"].ticked is ticked
    assert (lead.ticked("authority").stage is Stage.QUALIFIED) is ticked


def test_a_score_below_n_never_ticked_is_not_ticked_by_the_slack() -> None:
    assert a_lead(TWO).scored(65).ticked("authority").stage is Stage.NEW


def test_neither_a_person_nor_a_reply_ticks_an_item_that_follows_the_score() -> None:
    lead = a_lead(SCORE).ticked("score")
    assert lead.stage is Stage.NEW
    assert lead.ignored == "this item follows the score"
    lead = a_lead(SCORE).replied(evidence=[{"item": "score", "sentence": "we score high"}])
    assert lead.stage is Stage.ENGAGED


def test_in_nurture_only_a_person_or_a_reply_completes_it() -> None:
    lead = a_lead(SCORE).moved("nurture").scored(90)
    assert lead.stage is Stage.NURTURE
    assert lead.ignored == "in Nurture only a person or a reply completes the checklist"
    assert a_lead(ONE_ITEM).moved("nurture").ticked().stage is Stage.QUALIFIED
    evidence = [{"item": "need", "sentence": "We need it now."}]
    assert a_lead(ONE_ITEM).moved("nurture").replied(evidence=evidence).stage is Stage.QUALIFIED


def test_changing_the_list_does_not_move_the_lead() -> None:
    easier = TenantSettings(checklist=(Item("need", "Need"),), valid_from=day(2))
    lead = Lead(TenantSettings(), easier).captured().ticked("need", at=1)
    assert lead.at(3).stage is Stage.NEW
    assert lead.ticked("need", at=4).stage is Stage.NEW
    assert lead.ticked("need", ticked=False, at=5).ticked("need", at=6).stage is Stage.QUALIFIED


def test_the_settings_of_its_time_decide_about_an_old_signal() -> None:
    harder = TenantSettings(checklist=(Item("need", "Need"), Item("budget", "Budget")), valid_from=day(2))
    assert Lead(ONE_ITEM, harder).captured().ticked("need", at=1).stage is Stage.QUALIFIED
    assert Lead(ONE_ITEM, harder).captured().ticked("need", at=2).stage is Stage.NEW


def test_a_persons_tick_finds_a_new_score_item_ticked_by_the_score_known() -> None:
    both = TenantSettings(checklist=TWO.checklist, valid_from=day(2))
    lead = Lead(ONE_ITEM, both).captured().scored(80, at=1)
    assert lead.ticked("authority", at=3).stage is Stage.QUALIFIED


def test_a_reply_finds_a_new_score_item_ticked_by_the_score_known() -> None:
    both = TenantSettings(checklist=TWO.checklist, valid_from=day(2))
    lead = Lead(ONE_ITEM, both).captured().scored(80, at=1)
    assert lead.replied(at=3, evidence=[{"item": "authority", "sentence": "I decide."}]).stage is Stage.QUALIFIED


def test_a_score_that_ticks_nothing_new_does_not_qualify_the_lead_again() -> None:
    assert a_lead(SCORE).scored(70).moved("engaged").scored(90).stage is Stage.ENGAGED
    assert a_lead(SCORE).scored(70).moved("engaged").scored(20).scored(90).stage is Stage.QUALIFIED


def test_the_next_score_completes_a_new_list() -> None:
    lead = (
        Lead(TenantSettings(), TenantSettings(checklist=SCORE.checklist, valid_from=day(2))).captured().scored(80, at=1)
    )
    assert lead.at(3).stage is Stage.NEW
    assert lead.scored(81, at=4).stage is Stage.QUALIFIED


@pytest.mark.parametrize("stage", ["scheduled", "meeting_completed", "exhausted", "won", "lost"])
def test_a_complete_list_does_not_move_the_lead_out_of_other_stages(stage: str) -> None:
    lead = a_lead(ONE_ITEM).in_stage(stage).ticked()
    assert lead.stage == stage
    assert lead.ignored


def test_what_is_missing_is_named() -> None:
    journey = a_lead(TWO).scored(62).journey
    assert describe_missing(journey, TWO) == "authority is missing, score 62 of 70"
    assert [item.id for item in missing(journey, TWO)] == ["authority", "score"]
    assert describe_missing(a_lead(ONE_ITEM).ticked().journey, ONE_ITEM) is None


def test_a_label_that_is_an_abbreviation_keeps_its_capitals() -> None:
    assert describe_missing(a_lead().journey, TenantSettings(checklist=(Item("nda", "NDA"),))) == "NDA is missing"


def test_a_score_that_reaches_a_raised_n_qualifies_although_the_old_score_had_ticked_the_item() -> None:
    older = TenantSettings(checklist=(Item("budget", "Budget"), Item("score", "Score", score_at_least=50)))
    raised = TenantSettings(checklist=(Item("score", "Score", score_at_least=90),), valid_from=day(3))
    lead = a_lead(older, raised).scored(60, at=1).scored(79, at=4)
    assert (lead.stage, lead.journey.ticks["score"].ticked) == (Stage.NEW, False)
    assert lead.scored(95, at=5).stage is Stage.QUALIFIED
    assert a_lead(older, raised).scored(60, at=1).scored(95, at=4).stage is Stage.QUALIFIED

"""Every rule moves a lead from the stages that the table names, and from no other."""

from collections.abc import Callable

import pytest

from services.stages.rules import RULES, Rule, Stage
from tests.unit.stages.story import ONE_ITEM, PHONE, Lead, a_lead

Example = Callable[[Stage], tuple[Lead, float | None]]


def _at_once(act: Callable[[Lead], Lead], before: Callable[[], Lead] = a_lead) -> Example:
    return lambda stage: (act(before().in_stage(stage)), None)


def _passes(stage: Stage) -> tuple[Lead, float | None]:
    return a_lead().booked(at=1, ends=3).moved("new", at=1.1).in_stage(stage), 3.5


def _quiet(stage: Stage) -> tuple[Lead, float | None]:
    return a_lead().in_stage(stage), 31


EXAMPLES: dict[str, Example] = {
    "first-message": _at_once(lambda lead: lead.sent()),
    "reply": _at_once(lambda lead: lead.replied("question")),
    "checklist": _at_once(lambda lead: lead.ticked("need"), lambda: a_lead(ONE_ITEM)),
    "meeting-booked": _at_once(lambda lead: lead.booked(ends=9)),
    "meeting-passed": _passes,
    "meeting-cancelled": _at_once(lambda lead: lead.cancelled(), lambda: a_lead().booked(ends=9).moved("new")),
    "later": _at_once(lambda lead: lead.replied("later")),
    "quiet": _quiet,
    "used-up": _at_once(lambda lead: lead.used_up("email", "sms")),
    "bad-phone": _at_once(lambda lead: lead.sms_failed(), lambda: a_lead(email=None, phone=PHONE)),
    "bad-contact": _at_once(lambda lead: lead.bounced()),
    "no-channel": _at_once(lambda lead: lead.bounced(), lambda: a_lead(phone=PHONE).mode("email_only")),
    "revived": _at_once(lambda lead: lead.mode("email_only")),
    "moved": _at_once(lambda lead: lead.replied("moved_company")),
    "declined": _at_once(lambda lead: lead.replied("declined")),
    "opted-out": _at_once(lambda lead: lead.opted_out("unsubscribe")),
}


OPEN = "new contacted engaged qualified scheduled meeting_completed nurture exhausted"
# Copied from the specification, so that a mistake in the table cannot prove itself.
SPECIFIED = {
    "first-message": ("new", "contacted"),
    "reply": ("new contacted nurture exhausted", "engaged"),
    "checklist": ("new contacted engaged nurture", "qualified"),
    "meeting-booked": ("new contacted engaged qualified meeting_completed nurture exhausted", "scheduled"),
    "meeting-passed": ("scheduled", "meeting_completed"),
    "meeting-cancelled": ("scheduled", "engaged"),
    "later": (OPEN, "nurture"),
    "quiet": ("contacted engaged qualified meeting_completed", "nurture"),
    "used-up": ("new contacted", "exhausted"),
    "bad-phone": (OPEN, "bad_phone"),
    "bad-contact": (OPEN, "bad_contact"),
    "no-channel": ("new contacted engaged qualified meeting_completed nurture", "exhausted"),
    "revived": ("exhausted", "contacted"),
    "moved": (OPEN, "moved_company"),
    "declined": (OPEN, "lost"),
    "opted-out": (OPEN + " lost bad_phone bad_contact moved_company", "dead"),
}


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_the_table_is_the_one_that_was_specified(rule: Rule) -> None:
    stages, to = SPECIFIED[rule.id]
    assert rule.from_ == set(stages.split())
    assert rule.to == to


def test_every_rule_has_an_example() -> None:
    assert list(EXAMPLES) == list(SPECIFIED) == [rule.id for rule in RULES]


@pytest.mark.parametrize("stage", list(Stage), ids=str)
@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_a_rule_moves_the_lead_from_its_stages_and_from_no_other(rule: Rule, stage: Stage) -> None:
    lead, until = EXAMPLES[rule.id](stage)
    outcome = lead.fold(until)
    moves = [each for each in outcome.transitions if each.rule == rule.id and each.from_ is not each.to]
    if stage in rule.from_ and stage is not rule.to:
        (move,) = moves
        assert (move.from_, move.to, move.actor) == (stage, rule.to, f"system:{rule.id}")
        assert outcome.journey.stage is rule.to
        assert move.reason and "{" not in move.reason
        assert outcome.journey.because == move.reason
        assert (outcome.journey.disqualification_reason is not None) == (outcome.journey.status == "disqualified")
    else:
        assert moves == []
        assert outcome.journey.stage is stage


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_a_dead_lead_ignores_every_rule_with_a_reason(rule: Rule) -> None:
    lead, until = EXAMPLES[rule.id](Stage.DEAD)
    outcome = lead.fold(until)
    assert outcome.journey.stage is Stage.DEAD
    if rule.id not in ("meeting-passed", "quiet", "meeting-cancelled"):  # those two are timers; that one cancels
        assert outcome.ignored[-1].reason == "the lead is dead"


def test_a_rule_with_a_disqualified_end_has_a_disqualification_reason() -> None:
    assert all((rule.disqualification is not None) == (rule.to in rule_ends()) for rule in RULES)


def rule_ends() -> set[Stage]:
    return {Stage.LOST, Stage.BAD_PHONE, Stage.BAD_CONTACT, Stage.MOVED_COMPANY, Stage.DEAD}

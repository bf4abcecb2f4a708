"""What outreach assumes about the transitions is what the stage service's rules say."""

from services.outreach.rules import KIND_STAGES, MEETING_RULES, REPLY_MOVES_FROM, STATUS_STAGES, USED_UP_MOVES_FROM
from services.stages.rules import RULES, STATUSES, Stage, status_of


def from_(rule_id: str) -> set[str]:
    (rule,) = [rule for rule in RULES if rule.id == rule_id]
    return {stage.value for stage in rule.from_}


def test_a_reply_moves_a_lead_from_the_stages_that_outreach_knows() -> None:
    assert from_("reply") == set(REPLY_MOVES_FROM)


def test_used_up_channels_move_a_lead_from_the_stages_that_outreach_knows() -> None:
    assert from_("used-up") == set(USED_UP_MOVES_FROM)


def test_the_rules_of_meetings_are_those_that_lead_to_their_stages() -> None:
    to_meetings = {rule.id for rule in RULES if rule.to in (Stage.SCHEDULED, Stage.MEETING_COMPLETED)}
    assert to_meetings == set(MEETING_RULES)


def test_the_stages_of_the_message_kinds_are_stages() -> None:
    assert set().union(*KIND_STAGES.values()) <= {stage.value for stage in Stage}


def test_the_stages_of_each_status_are_those_of_the_stage_service() -> None:
    stages = {status: {stage.value for stage in Stage if status_of(stage, True) == status} for status in STATUSES}
    assert {status: set(of) for status, of in STATUS_STAGES.items()} == {
        status: of - {"nurture"} for status, of in stages.items()
    } | {"new": {"new"}}

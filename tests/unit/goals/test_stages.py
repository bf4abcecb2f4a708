from services.goals.rules.stages import STAGES, START
from services.stages.rules.stages import Stage


def test_the_pipeline_report_lists_the_stages_of_the_stage_service():
    assert [stage.value for stage in Stage] == list(STAGES)
    assert Stage.NEW == START

"""The route that shows the stages and the rules."""

from services.stages.rules import (
    KINDS,
    MEANINGS,
    RULES,
    Stage,
    status_of,
    title_of,
    transition_diagram,
    transition_table,
)
from services.stages.schemas.answers import RuleView, StagesView, StageView
from shared.http import Router, Viewer

router = Router(tags=["stages"])


@router.get("/stages")
async def read_stages(principal: Viewer) -> StagesView:
    """The stages, the rules that move leads between them, their table (Markdown) and the diagram (Mermaid)."""
    return StagesView(
        stages=[
            StageView(
                stage=stage,
                title=title_of(stage),
                kind=KINDS[stage],
                status=status_of(stage, True),
                meaning=MEANINGS[stage],
            )
            for stage in Stage
        ],
        rules=[
            RuleView(
                id=rule.id,
                from_=[stage for stage in Stage if stage in rule.from_],
                signal=rule.signal,
                to=rule.to,
                reason=rule.reason,
            )
            for rule in RULES
        ],
        table=transition_table(),
        diagram=transition_diagram(),
    )

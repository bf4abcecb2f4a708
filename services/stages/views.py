"""What the API shows of a lead."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from services.stages.rules import Settings, next_action
from services.stages.rules.checklist import is_ticked
from services.stages.schemas import ActivityView, LeadView
from services.stages.store import settings
from services.stages.store.leads import Standing
from shared.db import UnitOfWork


async def lead_views(work: UnitOfWork, standings: Sequence[Standing]) -> list[LeadView]:
    """Leads by the settings of now."""
    present = await settings.present(work)
    return [lead_view(standing, present, work.now) for standing in standings]


def lead_view(standing: Standing, present: Settings, now: datetime) -> LeadView:
    journey = standing.journey
    action = next_action(journey, present, now)
    if standing.draft_waits and action is not None:
        action = "draft waits for review"
    return LeadView(
        lead_id=standing.lead_id,
        stage=journey.stage.value,
        status=standing.status,
        score_total=standing.score_total,
        band=standing.band or None,
        last_activity_on=standing.last_activity_on,
        source=standing.source,
        campaign=standing.campaign,
        owner=standing.owner,
        hot=journey.hot,
        disqualification_reason=journey.disqualification_reason,
        first_qualified_on=journey.first_qualified_on,
        checklist=checklist_view(standing, present),
        next_action=action,
        name=standing.name,
        company=standing.company,
        created_on=journey.created_on,
        contacted=journey.contacted,
        meetings_held=journey.meetings_held,
        revision=standing.revision,
    )


def checklist_view(standing: Standing, present: Settings) -> list[dict[str, Any]]:
    """The items as they are defined now, with who ticked them when, relying on what."""
    shown = []
    for item in present.checklist:
        tick = standing.journey.ticks.get(item.id)
        ticked = is_ticked(standing.journey, item)
        shown.append(
            {
                "id": item.id,
                "label": item.label,
                "required": item.required,
                "ticked": ticked,
                "by": tick.by if tick else None,
                "at": tick.at if tick else None,
                "evidence": tick.evidence if tick else None,
            }
            | ({"rule": {"score_at_least": item.score_at_least}} if item.score_at_least is not None else {})
        )
    return shown


def activity_view(row: RowMapping, labels: Sequence[RowMapping] = ()) -> ActivityView:
    """One entry; a reply with the history of its labels, the one that counts last."""
    data = dict(row["data"])
    if row["type"] == "status_change":
        data["superseded"] = row["superseded"]
        data["revision"] = row["revision"]
    elif row["type"] == "ignored":
        data["superseded"] = row["superseded"]
    if labels:
        data["labels"] = [
            {key: label["data"].get(key) for key in ("label", "labelled_at", "method", "confidence")}
            for label in labels
        ]
        data["label"] = labels[-1]["data"].get("label")
    return ActivityView(
        id=row["digest"],
        event_id=row["event_id"],
        type=row["type"],
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        actor=row["actor"],
        caused_by=row["caused_by"],
        data=data,
    )

"""Answers of the API: leads, checklists and activities as their JSON bodies."""

from collections.abc import Sequence
from datetime import datetime

from services.stages.rules import TenantSettings, next_action
from services.stages.rules.checklist import is_ticked
from services.stages.schemas.answers import ActivityView, LeadView, TickView
from services.stages.schemas.requests import ScoreRule
from services.stages.store import settings
from services.stages.store.leads import LeadRecord
from shared.db import Row, UnitOfWork


async def lead_views(work: UnitOfWork, records: Sequence[LeadRecord]) -> list[LeadView]:
    """Leads with the checklist and the next action of the present settings."""
    present = await settings.present(work)
    return [_lead_view(record, present, work.now) for record in records]


def _lead_view(record: LeadRecord, present: TenantSettings, now: datetime) -> LeadView:
    journey = record.journey
    action = next_action(journey, present, now)
    if record.has_open_draft and action is not None:
        action = "draft waits for review"
    return LeadView(
        lead_id=record.lead_id,
        stage=journey.stage.value,
        status=record.status,
        score_total=record.score_total,
        band=record.band or None,
        last_activity_on=record.last_activity_on,
        source=record.source,
        campaign=record.campaign,
        owner=record.owner,
        hot=journey.hot,
        disqualification_reason=journey.disqualification_reason,
        first_qualified_on=journey.first_qualified_on,
        checklist=_checklist_view(record, present),
        next_action=action,
        name=record.name,
        company=record.company,
        created_on=journey.created_on,
        contacted=journey.contacted,
        meetings_held=journey.meetings_held,
        revision=record.revision,
    )


def _checklist_view(record: LeadRecord, present: TenantSettings) -> list[TickView]:
    """The items of the present checklist, each with its tick."""
    shown = []
    for item in present.checklist:
        tick = record.journey.ticks.get(item.id)
        ticked = is_ticked(record.journey, item)
        rule = None if item.score_at_least is None else ScoreRule(score_at_least=item.score_at_least)
        shown.append(
            TickView(
                id=item.id,
                label=item.label,
                required=item.required,
                ticked=ticked,
                by=tick.by if tick else None,
                at=tick.at if tick else None,
                evidence=tick.evidence if tick else None,
                **{"rule": rule} if rule else {},
            )
        )
    return shown


def activity_view(row: Row, labels: Sequence[Row] = ()) -> ActivityView:
    """One entry; a reply also with the history of its labels, of which the last counts."""
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

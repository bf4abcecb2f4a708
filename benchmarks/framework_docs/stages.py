"""lead.captured, lead.scored -> stage.changed. One subscriber reads both, so that a lead's two events do not race."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from faststream import Depends
from faststream.kafka.annotations import KafkaMessage
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from benchmarks.framework_docs.messages import LeadCaptured, LeadScored, StageChanged
from benchmarks.framework_docs.setup import app, broker, headers_for, sessions, subscription
from services.stages import rules
from services.stages.tables import Activity, Lead, Setting
from shared.ids import derived_id, digest, revision_id

__all__ = ["app"]

get_session = sessions("stages")


@broker.subscriber("lead.captured", "lead.scored", **subscription("stages"))  # type: ignore[untyped-decorator]
async def apply_rules(
    event: LeadScored | LeadCaptured, message: KafkaMessage, session: Annotated[AsyncSession, Depends(get_session)]
) -> None:
    tenant, now = message.headers["ce_tenantid"], datetime.now(UTC)
    lead_id = event.lead_id
    session.add(_entry(event, message, lead_id, now))
    versions = await session.exec(select(Setting).where(Setting.tenant_id == tenant))
    history = rules.SettingsHistory([rules.TenantSettings.from_json(each.body, each.valid_from) for each in versions])
    lead = await session.get(Lead, (tenant, lead_id), with_for_update=True) or Lead(
        tenant_id=tenant,
        lead_id=lead_id,
        stage="waiting",
        journey={},
        last_activity_on=now,
        drafts={},
        updated_at=now,
    )
    lead.updated_at = now
    if isinstance(event, LeadCaptured):
        lead.source, lead.campaign, lead.company = event.source, event.campaign, event.company
        lead.name = " ".join(part for part in (event.first_name, event.last_name) if part) or None
        lead.contact_version = event.version
    else:
        lead.score_total, lead.band = event.total, event.band
        lead.score_revision, lead.scored_at = event.revision, event.scored_at
    stored = await session.exec(
        select(Activity).where(Activity.tenant_id == tenant, Activity.lead_id == lead_id, Activity.folded)
    )
    outcome = rules.fold([_signal(each) for each in stored], history, now)
    moves = outcome.transitions[lead.revision :]
    changes: list[tuple[str, StageChanged]] = []
    if outcome.journey.created_on is not None:
        journey = outcome.journey
        lead.captured, lead.journey = True, orjson.loads(orjson.dumps(journey.to_json()))
        lead.stage, lead.status, lead.hot = journey.stage.value, journey.status, journey.hot
        lead.next_due = rules.next_due(journey, history)
        for move in moves:
            lead.revision += 1
            id = revision_id("stage.changed", lead_id, lead.revision)
            session.add(_activity_of(tenant, lead_id, lead.revision, id, move, now))
            changes.append((id, _changed(lead_id, lead.revision, move, journey, now)))
    session.add(lead)
    await session.commit()
    await session.refresh(lead)
    for id, change in changes:
        await broker.publish(
            change,
            "stage.changed",
            headers=headers_for(message, "stage.changed", "stages", id, lead_id),
            key=str(lead_id).encode(),
        )


def _entry(event: LeadCaptured | LeadScored, message: KafkaMessage, lead_id: UUID, now: datetime) -> Activity:
    source, id = message.headers["ce_source"], message.headers["ce_id"]
    return Activity(
        tenant_id=message.headers["ce_tenantid"],
        digest=digest(source, id),
        lead_id=lead_id,
        type=message.headers["ce_type"],
        event_id=id,
        source=source,
        occurred_at=datetime.fromisoformat(message.headers["ce_time"]),
        recorded_at=now,
        data=rules.signal_data(message.headers["ce_type"], event.model_dump(mode="json", exclude_none=True)),
        folded=True,
    )


def _signal(entry: Activity) -> rules.Signal:
    return rules.Signal(
        str(entry.digest),
        entry.event_id,
        entry.source,
        entry.type,
        entry.occurred_at,
        entry.recorded_at,
        entry.data,
        lead_id=str(entry.lead_id),
    )


def _activity_of(tenant: str, lead_id: UUID, revision: int, id: str, move: rules.Transition, now: datetime) -> Activity:
    data: dict[str, Any] = {
        "from": move.from_.value,
        "to": move.to.value,
        "from_status": move.from_status,
        "status": move.status,
        "rule": move.rule,
        "reason": move.reason,
    }
    return Activity(
        tenant_id=tenant,
        digest=derived_id("status_change", lead_id, revision, 0),
        lead_id=lead_id,
        type="status_change",
        event_id=id,
        source="urn:leadflow:stages",
        occurred_at=move.occurred_at,
        recorded_at=now,
        actor=move.actor,
        caused_by=move.caused_by,
        data=data,
        position=1,
        revision=revision,
    )


def _changed(
    lead_id: UUID, revision: int, move: rules.Transition, journey: rules.Journey, now: datetime
) -> StageChanged:
    return StageChanged(
        lead_id=lead_id,
        from_=str(move.from_),
        to=str(move.to),
        from_status=move.from_status,
        status=move.status,
        rule=move.rule,
        actor=move.actor,
        reason=move.reason,
        caused_by=move.caused_by,
        occurred_at=move.occurred_at,
        recorded_at=now,
        revision=revision,
        journey=journey.facts(),
    )

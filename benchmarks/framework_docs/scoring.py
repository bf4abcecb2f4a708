"""lead.captured -> lead.scored."""

from datetime import UTC, datetime
from typing import Annotated

from faststream import Depends
from faststream.kafka import KafkaResponse
from faststream.kafka.annotations import KafkaMessage
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from benchmarks.framework_docs.messages import LeadCaptured, LeadScored
from benchmarks.framework_docs.setup import app, broker, headers_for, sessions, subscription
from services.scoring import rules
from services.scoring.tables import Lead, Signal
from shared.ids import digest, revision_id

__all__ = ["app"]

get_session = sessions("scoring")
model = rules.compile_model(rules.DEFAULT_VERSION, rules.DEFAULT_MODEL)


@broker.subscriber("lead.captured", **subscription("scoring"))  # type: ignore[untyped-decorator]
@broker.publisher("lead.scored")
async def score(
    captured: LeadCaptured, message: KafkaMessage, session: Annotated[AsyncSession, Depends(get_session)]
) -> KafkaResponse:
    tenant, source, id = (message.headers[f"ce_{name}"] for name in ("tenantid", "source", "id"))
    lead_id, now = captured.lead_id, datetime.now(UTC)
    session.add(
        Signal(
            tenant_id=tenant,
            digest=digest(source, id),
            lead_id=lead_id,
            type="lead.captured",
            event_id=id,
            source=source,
            occurred_at=datetime.fromisoformat(message.headers["ce_time"]),
            recorded_at=now,
            data=captured.model_dump(mode="json", exclude={"lead_id"}, exclude_none=True),
        )
    )
    stored = await session.exec(select(Signal).where(Signal.tenant_id == tenant, Signal.lead_id == lead_id))
    signals = [
        rules.Signal(each.lead_id, each.type, each.occurred_at, each.event_id, each.source, each.data)
        for each in stored
    ]
    moment = max([now, *(signal.at for signal in signals)])
    history = rules.history_at(signals, lead_id, moment)
    if history is None:
        raise ValueError("the lead was not captured")
    result = rules.score_at(model, history, moment)
    lead = await session.get(Lead, (tenant, lead_id)) or Lead(tenant_id=tenant, lead_id=lead_id, seen_at=now)
    lead.revision += 1
    lead.fit, lead.intent, lead.engagement = result.points
    lead.band, lead.model_version = result.band, result.model_version
    lead.scored_at, lead.next_change_at = result.at, result.next_change_at
    session.add(lead)
    await session.commit()
    await session.refresh(lead)
    scored = LeadScored(
        lead_id=lead_id,
        fit=result.fit,
        intent=result.intent,
        engagement=result.engagement,
        total=result.total,
        band=result.band,
        model_version=result.model_version,
        scored_at=result.at,
        revision=lead.revision,
    )
    id = revision_id("lead.scored", lead_id, lead.revision)
    return KafkaResponse(
        scored, headers=headers_for(message, "lead.scored", "scoring", id, lead_id), key=str(lead_id).encode()
    )

"""lead.submitted -> lead.captured."""

from datetime import datetime
from typing import Annotated

from faststream import Depends
from faststream.kafka import KafkaResponse
from faststream.kafka.annotations import KafkaMessage
from sqlmodel import or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from benchmarks.framework_docs.messages import LeadCaptured, LeadSubmitted
from benchmarks.framework_docs.setup import app, broker, headers_for, sessions, subscription
from services.capture.gateways import OfflineContactNormaliser
from services.capture.rules.contact import DETAILS, normalise
from services.capture.rules.precedence import new_lead
from services.capture.tables import DuplicateSearchRow, LeadIdentityRow, LeadRow
from shared.ids import revision_id, uuid7

__all__ = ["app"]

get_session = sessions("capture")
readers = OfflineContactNormaliser()


@broker.subscriber("lead.submitted", **subscription("capture"))  # type: ignore[untyped-decorator]
@broker.publisher("lead.captured")
async def capture(
    submitted: LeadSubmitted, message: KafkaMessage, session: Annotated[AsyncSession, Depends(get_session)]
) -> KafkaResponse:
    tenant = message.headers["ce_tenantid"]
    contact, problems = normalise(submitted.model_dump(exclude_unset=True), readers)
    if contact is None or contact.external_id is None:
        raise ValueError(problems)
    known = await session.exec(
        select(LeadRow).where(
            LeadRow.tenant_id == tenant,
            or_(
                LeadRow.email == contact.email,
                LeadRow.phone == contact.phone,
            ),
        )
    )
    named = await session.get(LeadIdentityRow, (tenant, contact.source, contact.external_id))
    if known.first() is not None or named is not None:
        raise NotImplementedError("the measurement submits each lead once; updates are not implemented here")
    lead = new_lead(tenant, uuid7(), contact, datetime.fromisoformat(message.headers["ce_time"]))
    stored = LeadRow(
        tenant_id=tenant,
        lead_id=lead.lead_id,
        version=1,
        source=lead.source,
        external_id=lead.external_id,
        owner=lead.owner,
        email=lead.email,
        phone=lead.phone,
        phone_first=True,
        details={name: lead.fields[name] for name in DETAILS if name in lead.fields},
        attributes=lead.attributes,
        consent=lead.consent,
        marks={},
        as_of=lead.as_of,
        created_on=lead.created_on,
        updated_on=lead.updated_on,
        merge_version=0,
    )
    session.add(stored)
    session.add(DuplicateSearchRow(tenant_id=tenant, lead_id=lead.lead_id))
    session.add(
        LeadIdentityRow(tenant_id=tenant, source=lead.source, external_id=contact.external_id, lead_id=lead.lead_id)
    )
    await session.commit()
    await session.refresh(stored)
    captured = LeadCaptured(
        lead_id=stored.lead_id,
        source=stored.source,
        created_on=stored.created_on,
        external_id=stored.external_id,
        attributes=stored.attributes,
        consent=submitted.consent,
        **lead.fields,
    )
    id = revision_id("lead.captured", lead.lead_id, 1)
    return KafkaResponse(
        captured,
        headers=headers_for(message, "lead.captured", "capture", id, lead.lead_id),
        key=str(lead.lead_id).encode(),
    )

"""What a reviewer should know before deciding on a draft: the lead, what it wrote, what else is on its way to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.outreach.drafts import store
from services.outreach.drafts.rules import Caution, OtherMessage, cautions
from services.outreach.drafts.store import background as queries
from services.outreach.drafts.store import compositions
from services.outreach.rules import first_cause, known_zone, local_time
from services.outreach.schemas import OutreachSettings
from services.outreach.store import Lead, lead_ids_of, lead_of, leads_of, settings_of
from shared.db import Row, UnitOfWork

_RECENT = timedelta(hours=1)
"""How long a message that was sent is shown beside others to the lead; longer where the lead's spacing is."""


@dataclass(frozen=True, slots=True)
class Background:
    """All that one draft is shown with."""

    lead: Lead | None
    local_time: datetime | None
    answers: Row | None
    """The reply that an `answer` answers."""
    conversation: Sequence[Row]
    others: Sequence[Row]
    """Other messages to the lead: pending, on their way, or sent a short while ago."""
    cautions: Sequence[Caution]
    texts: Sequence[Row]
    dispatch_id: UUID | None
    acknowledged: Sequence[str] | None
    replaced_by: UUID | None


async def background_of(work: UnitOfWork, row: Row) -> Background:
    """Gather the background of a draft."""
    tenant, draft_id = row["tenant_id"], row["draft_id"]
    lead = await lead_of(work, tenant, row["lead_id"])
    if lead is not None and lead.merged_into is not None:
        lead = await lead_of(work, tenant, lead.merged_into)
    settings = await settings_of(work, tenant)
    lead_ids = await lead_ids_of(work, tenant, lead.lead_id if lead else row["lead_id"])
    local = _local_time(work, lead)
    beside = await queries.messages_beside(work, tenant, lead_ids, _since(work, settings))
    others = [other for other in beside if other["draft_id"] != draft_id]
    return Background(
        lead=lead,
        local_time=local,
        answers=await _answered(work, row, lead_ids) if row["kind"] == "answer" else None,
        conversation=await queries.last_messages(work, tenant, lead_ids),
        others=others,
        cautions=[*_not_followed(row), *_cautions(others, settings, local)] if row["state"] == "pending" else (),
        texts=await store.texts(work, tenant, draft_id),
        dispatch_id=await store.dispatch_id(work, tenant, draft_id),
        acknowledged=await queries.acknowledged(work, tenant, draft_id),
        replaced_by=await compositions.successor(work, tenant, draft_id),
    )


async def cautions_for(work: UnitOfWork, tenant: str, draft_ids: Sequence[UUID]) -> dict[UUID, list[Caution]]:
    """What to know about the approval of several drafts, by draft id."""
    drafts = await store.leads_of_drafts(work, tenant, draft_ids)
    if not drafts:
        return {}
    settings = await settings_of(work, tenant)
    leads = await leads_of(work, {(tenant, lead_id) for lead_id in drafts.values()})
    beside: dict[UUID, list[Row]] = {}
    for other in await queries.messages_beside(work, tenant, sorted(set(drafts.values())), _since(work, settings)):
        beside.setdefault(other["lead_id"], []).append(other)
    found: dict[UUID, list[Caution]] = {}
    for draft_id, lead_id in drafts.items():
        lead = leads.get((tenant, lead_id))
        others = [other for other in beside.get(lead_id, ()) if other["draft_id"] != draft_id]
        found[draft_id] = _cautions(others, settings, _local_time(work, lead))
    return found


def _local_time(work: UnitOfWork, lead: Lead | None) -> datetime | None:
    """The time where the lead is, by the rule by which the sender's windows find it; None where nothing says so."""
    return local_time(work.now, known_zone(lead.timezone, lead.country)) if lead else None


def _since(work: UnitOfWork, settings: OutreachSettings) -> datetime:
    return work.now - max(_RECENT, timedelta(minutes=settings.lead_spacing_minutes))


def _not_followed(row: Row) -> list[Caution]:
    """The parts of the reviewer's instruction that the composer could not follow."""
    return [Caution("instruction", text) for text in row["made_from"].get("not_followed", ())]


def _cautions(others: Sequence[Row], settings: OutreachSettings, local: datetime | None) -> list[Caution]:
    messages = [
        OtherMessage(other["draft_id"], other["kind"], other["channel"], other["state"], other["at"])
        for other in others
    ]
    return cautions(messages, settings.lead_spacing_minutes, local, has_window=settings.window is not None)


async def _answered(work: UnitOfWork, row: Row, lead_ids: Sequence[UUID]) -> Row | None:
    """The reply that caused the answer; for one that a person asked for, the last before it on the channel."""
    reply_id = UUID(first_cause(row["cause_id"])) if row["cause"] == "reply" else None
    return await queries.answered_reply(work, row["tenant_id"], lead_ids, row["channel"], row["created_at"], reply_id)

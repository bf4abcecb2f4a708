"""What is known about a person: the history of consent, and the export of everything that capture holds."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.capture.rules.contact import ContactNormaliser
from services.capture.rules.lead import Lead
from services.capture.store import consents, persons
from services.capture.store import leads as store
from services.capture.use_cases.lead_events import captured_event
from services.capture.use_cases.leads import get_lead, person_of
from shared.db import Row, UnitOfWork

_MOST_CHANGES = 10_000

ELSEWHERE = (
    ("enrichment", "facts about the person and the company", "/v1/leads/{lead_id}/facts"),
    ("scoring", "scores, and what they rest on", "/v1/leads/{lead_id}/score/explanation"),
    ("stages", "stage, checklist, owner", "/v1/leads/{lead_id}"),
    ("stages", "meetings", "/v1/leads/{lead_id}/meetings"),
    ("stages", "the timeline, with every value that was replaced", "/v1/leads/{lead_id}/timeline"),
    ("outreach", "drafts", "/v1/drafts?lead_id={lead_id}"),
    ("outreach", "what was sent, or is to be", "/v1/dispatches?lead_id={lead_id}"),
    ("outreach", "messages and replies", "/v1/leads/{lead_id}/conversation"),
    ("outreach", "enrolments in sequences", "/v1/leads/{lead_id}/enrolments"),
)
"""What the other services hold, and the routes that answer with it. Goals hold counts only."""


async def consent_history(work: UnitOfWork, tenant: str, lead_id: UUID, *, after: int, limit: int) -> Sequence[Row]:
    """The next changes of consent of a lead and its aliases, in the order in which they were recorded.

    Raises NotFound.
    """
    lead, aliases = await get_lead(work, tenant, lead_id)
    return await consents.history(work, tenant, [lead.lead_id, *aliases], after=after, limit=limit)


async def export(work: UnitOfWork, tenant: str, lead_id: UUID, normaliser: ContactNormaliser) -> dict[str, Any]:
    """Everything that capture holds about the person of a lead, with its aliases. Raises NotFound."""
    kept, aliases = await get_lead(work, tenant, lead_id)
    leads = [kept, *await store.read_all(work, tenant, aliases)]
    person = await person_of(work, tenant, leads, normaliser)
    return {
        "lead_id": kept.lead_id,
        "exported_on": work.now,
        "leads": [_lead(lead) for lead in leads],
        "consent_history": await consents.history(
            work, tenant, [lead.lead_id for lead in leads], after=0, limit=_MOST_CHANGES
        ),
        **await persons.held(work, tenant, person),
        "elsewhere": [
            {"service": service, "holds": holds, "route": route.format(lead_id=kept.lead_id)}
            for service, holds, route in ELSEWHERE
        ],
    }


def _lead(lead: Lead) -> dict[str, Any]:
    provenance = {name: {"time": of.time.isoformat(), "human": of.human} for name, of in lead.provenance.items()}
    alias = {"alias_of": str(lead.merged_into)} if lead.merged_into is not None else {}
    return {**captured_event(lead).data(), "updated_on": lead.updated_on.isoformat(), "provenance": provenance, **alias}

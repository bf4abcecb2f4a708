"""What counts of a lead when the next step of its enrolment is decided."""

from uuid import UUID

from services.outreach.drafts.use_cases.channels import channels_of
from services.outreach.schemas import OutreachSettings
from services.outreach.sequences.rules import Calendar, LeadState, SequenceVersion
from services.outreach.sequences.store import sequences, steps
from services.outreach.sequences.store.sequences import StoredSequence
from services.outreach.store import Lead, lead_ids_of, zone_name
from shared.db import UnitOfWork


def calendar_of(lead: Lead, settings: OutreachSettings, sequence: SequenceVersion) -> Calendar:
    """The clocks and windows by which the steps of the lead fall due."""
    windows = [sequence.window] if sequence.window else []
    windows += [settings.window.window()] if settings.window else []
    return Calendar(zone_name(lead, settings), tuple(windows), sequence.holidays)


async def approvals_of(
    work: UnitOfWork, tenant: str, sequence: StoredSequence, enrolment_id: UUID | None
) -> dict[int, tuple[UUID, str]]:
    """By step number (scope, who) of the approved templates that need no other approval; at the rest a human looks."""
    scopes = {"template": sequence.sequence_id, "first": enrolment_id}
    approved = await sequences.approved_templates(work, tenant, [scope for scope in scopes.values() if scope])
    found: dict[int, tuple[UUID, str]] = {}
    for step in sequence.definition.steps:
        scope = scopes.get(step.review)
        if scope and step.template_sha256 and (actor := approved.get((scope, step.template_sha256))):
            found[step.number] = (scope, actor)
    return found


async def conditions_of(
    work: UnitOfWork, lead: Lead, settings: OutreachSettings, sequence: StoredSequence
) -> LeadState:
    """The lead as the rules need it: stage, channels, clocks, and what its addresses have had of the sequence."""
    hashes = [hash for hash in (lead.email_hash, lead.phone_hash) if hash]
    closed = "merged" if lead.merged_into else "opted_out" if lead.opted_out else None
    return LeadState(
        stage=lead.stage,
        mode=lead.mode or settings.mode,
        channels=await channels_of(work, lead, settings),
        calendar=calendar_of(lead, settings, sequence.definition),
        unknown_allows=tuple(settings.unknown_consent_allows),
        closed=closed,
        had=await steps.had_by(
            work, lead.tenant, sequence.sequence_id, hashes, await lead_ids_of(work, lead.tenant, lead.lead_id)
        ),
    )

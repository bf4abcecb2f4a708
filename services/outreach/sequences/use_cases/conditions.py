"""What counts of a lead when the next step of its enrolment is decided."""

from services.outreach.drafts.use_cases.channels import channels_of
from services.outreach.schemas import OutreachSettings
from services.outreach.sequences.rules import Calendar, LeadState, SequenceVersion
from services.outreach.sequences.store import steps
from services.outreach.sequences.store.sequences import StoredSequence
from services.outreach.store import Lead, zone_name
from shared.db import UnitOfWork


def calendar_of(lead: Lead, settings: OutreachSettings, sequence: SequenceVersion) -> Calendar:
    """The clocks and windows by which the steps of the lead fall due."""
    windows = [sequence.window] if sequence.window else []
    windows += [settings.window.window()] if settings.window else []
    return Calendar(zone_name(lead, settings), tuple(windows), sequence.holidays)


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
        had=await steps.had_by(work, lead.tenant, sequence.sequence_id, hashes),
    )

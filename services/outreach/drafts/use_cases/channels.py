"""The channels of a lead as they are now: address, state, consent, suppression, used up or not."""

from services.outreach.drafts.rules import LeadChannel
from services.outreach.rules import CHANNELS
from services.outreach.schemas import OutreachSettings
from services.outreach.sending.use_cases.exhaustion import used_up_from
from services.outreach.store import Lead
from services.outreach.suppression import store as addresses
from services.outreach.suppression.rules import suppression_refusal
from shared.db import UnitOfWork


async def channels_of(work: UnitOfWork, lead: Lead, settings: OutreachSettings) -> dict[str, LeadChannel]:
    """The lead's channels by name."""
    used_up = await used_up_from(work, lead, settings)
    states = await addresses.address_states(work, lead)
    suppressions = await addresses.suppressions_of(work, lead)
    return {
        channel: LeadChannel(
            channel,
            lead.address(channel),
            states[channel],
            lead.consent_for(channel),
            suppression_refusal(suppressions[channel], channel),
            used_up=channel in used_up and used_up[channel] <= work.now,
        )
        for channel in CHANNELS
    }

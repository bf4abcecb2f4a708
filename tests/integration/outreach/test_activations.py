"""A sequence that is activated again goes on with everybody who was put aside meanwhile."""

import asyncio
from uuid import UUID

import asyncpg

from services.outreach.drafts.use_cases.addressing import SenderAddresses
from services.outreach.sequences.use_cases.steps import advance
from tests.integration.outreach.meanwhile import waits_for_lock
from tests.integration.outreach.sequence_steps import activated, enrolled, enrolment, take_steps, text, written


async def test_who_is_just_being_put_aside_is_waited_for(office, tenant, eventually):
    """A worker has seen that the sequence is paused, and has not written so yet, when somebody activates it."""
    lead = await office.captured(tenant)
    sequence = await written(office, tenant, text("PT0S"), text("P3D"))
    of = await enrolled(office, tenant, sequence, lead)
    async with office.client(tenant, "reviewer") as http:
        assert (await http.post(f"/v1/sequences/{sequence['sequence_id']}/pause")).is_success
    admin = await asyncpg.connect(office.url)
    settings = office.context.settings
    sender = SenderAddresses(settings.mail_domain, settings.sms_from)
    async with office.database.worker([tenant]) as work:
        assert not await advance(work, office.context.keys, sender, tenant, UUID(of["enrolment_id"]))
        activating = asyncio.create_task(activated(office, tenant, sequence))
        await eventually(lambda: waits_for_lock(activating, admin))
    await activating
    await admin.close()
    await take_steps(office)
    assert (await enrolment(office, tenant, of))["steps"][0]["state"] != "waiting"

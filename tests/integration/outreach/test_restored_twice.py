"""After a restore of the database: the message of an enrolment that comes back once more is not sent once more."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.outreach.rules import CHECK_IN_INTERVAL
from services.outreach.sending.rules import MAY_HAVE_LEFT
from services.outreach.use_cases.reading_back import CLOSED_BEFORE, read_back
from shared.events import Envelope, MessageSent, Received
from tests.integration.outreach.sequence_steps import (
    activated,
    dispatches,
    enrolled,
    enrolment,
    replied,
    take_steps,
    template,
    text,
    written,
)
from tests.integration.outreach.test_restored_enrolments import answers_are_written, label  # noqa: F401 - a fixture

SAID = "Yes, please send me the offer."


@pytest.fixture
async def queued(office, tenant):
    """(lead, enrolment, sequence) with the message of the first step queued."""
    lead = await office.captured(tenant)
    sequence = await written(office, tenant, template("PT0S"), text("P30D"), review="template")
    of = await enrolled(office, tenant, sequence, lead)
    await take_steps(office)
    return lead, of, sequence


async def restored(office, *sent):
    """What the command does after a restore, where Kafka has these messages as sent."""

    async def published(event):
        if event is MessageSent and sent:
            yield list(sent)

    return await read_back(office.database, office.context.keys, published)


async def goes_on(office, tenant, lead, of, sequence, reply):
    """The label that ended the enrolment is corrected, and everything is switched on; its first step then."""
    await label(office, tenant, reply, "auto_reply")
    await activated(office, tenant, sequence)
    await take_steps(office)
    await office.send()
    await take_steps(office)
    now = await enrolment(office, tenant, of)
    assert (now["state"], now["step"]) == ("active", 2)
    return now["steps"][0]


async def test_a_refused_message_that_is_known_to_have_left_is_recorded_as_sent(office, tenant, queued, smtp):
    lead, of, sequence = queued
    before = len(smtp.mails())
    reply = await replied(office, tenant, lead, SAID)
    (refused,) = await dispatches(office, tenant, lead)
    assert refused["state"] == "refused", "this is the backup; after it the label was corrected, and the message sent"
    at = datetime.now(UTC)
    event = MessageSent(
        message_id=f"{uuid4()}@x.example", draft_id=UUID(refused["draft_id"]), channel="email", kind="sequence"
    )
    envelope = Envelope(str(uuid4()), event.type, "urn:test", at, tenant, str(lead))
    found = await restored(office, Received(envelope, event, at))
    assert (found[tenant].sent, found[tenant].refused) == (1, 0)
    assert (await restored(office, Received(envelope, event, at)))[tenant].sent == 0, "it finds nothing new"
    step = await goes_on(office, tenant, lead, of, sequence, reply)
    assert step["state"] == "sent"
    (dispatch,) = await dispatches(office, tenant, lead)
    assert (dispatch["state"], dispatch["message_id"]) == ("sent", event.message_id)
    assert datetime.fromisoformat(dispatch["sent_at"]) == at
    assert CLOSED_BEFORE in dispatch["note"]
    assert len(smtp.mails()) == before


@pytest.mark.parametrize("refused_by", ["the end of its enrolment", "the command"])
async def test_a_message_that_may_have_left_is_not_queued_again(office, tenant, queued, smtp, refused_by):
    lead, of, sequence = queued
    before = len(smtp.mails())
    if refused_by == "the command":
        assert (await restored(office))[tenant].refused == 1
    reply = await replied(office, tenant, lead, SAID)
    if refused_by == "the end of its enrolment":
        assert (await restored(office))[tenant].refused == 1
    assert (await restored(office))[tenant].refused == 0, "it finds nothing new"
    step = await goes_on(office, tenant, lead, of, sequence, reply)
    assert (step["state"], step["reason"]) == ("refused", MAY_HAVE_LEFT)
    assert [each["state"] for each in await dispatches(office, tenant, lead)] == ["refused"]
    assert len(smtp.mails()) == before


async def test_a_check_in_that_is_known_to_have_left_is_not_due_again(office, tenant):
    lead = await office.captured(tenant)
    await office.moved(tenant, lead, "nurture")

    async def due() -> datetime:
        async with office.database.worker() as work:
            row = await work.fetch_one("SELECT nurture_due FROM lead WHERE lead_id = :lead", lead=lead)
        return row["nurture_due"]

    at = await due() + timedelta(hours=1)
    event = MessageSent(message_id=f"{uuid4()}@x.example", draft_id=uuid4(), channel="email", kind="nurture")
    envelope = Envelope(str(uuid4()), event.type, "urn:test", at, tenant, str(lead))
    for _ in range(2):
        await restored(office, Received(envelope, event, at))
        assert await due() == at + CHECK_IN_INTERVAL

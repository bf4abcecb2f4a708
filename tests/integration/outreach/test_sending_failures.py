"""Mishaps around the moment of sending: addresses of any script, a short outage of the database, crossed messages."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiosmtpd.smtp import SMTP

from services.outreach.sending import workers
from services.outreach.sending.gateways import Smtp
from services.outreach.sending.use_cases import attempts, exhaustion, outcomes
from services.outreach.store import lead_of
from shared.db import DatabaseError, IntegrityError


@pytest.mark.parametrize(
    ("address", "known_as"),
    [("info@bücher.example", "info@xn--bcher-kva.example"), ("jörg@bücher.example", "jörg@xn--bcher-kva.example")],
)
async def test_an_address_of_any_script_is_written_to(office, tenant, smtp, address, known_as):
    approved = await office.approved(tenant, await office.captured(tenant, email=address))
    assert approved["to"] == address
    await office.send()
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "sent"
    assert known_as in smtp.recipients


async def test_a_server_without_smtputf8_fails_the_message_with_the_reason(office, tenant, smtp):
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(smtp, enable_SMTPUTF8=False, hostname="localhost"), "127.0.0.1", 0
    )
    approved = await office.approved(tenant, await office.captured(tenant, email="jürgen@example.com"))
    await office.send(mailer=Smtp("127.0.0.1", server.sockets[0].getsockname()[1], timeout=3))
    server.close()
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert dispatch["state"] == "failed"
    assert "SMTPUTF8" in dispatch["reason"]


async def test_a_message_that_cannot_be_built_fails_with_the_reason(office, tenant, smtp, monkeypatch):
    def broken(*_, **__):
        raise UnicodeEncodeError("ascii", "ü", 0, 1, "not in range")

    monkeypatch.setattr(workers, "build_mime", broken)
    approved = await office.approved(tenant, await office.captured(tenant))
    await office.send()
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert (dispatch["state"], dispatch["reason"]) == (
        "failed",
        "it cannot be written as a message: UnicodeEncodeError",
    )


async def test_a_gateway_that_breaks_leaves_an_unknown_outcome_at_once(office, tenant):
    class Broken:
        async def send(self, mail):
            raise RuntimeError("half way")

    approved = await office.approved(tenant, await office.captured(tenant))
    await office.send(mailer=Broken())
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert (dispatch["state"], dispatch["reason"]) == ("unknown", "RuntimeError on its way out")


async def test_an_outcome_is_recorded_once_the_database_is_back(office, tenant, smtp, monkeypatch):
    record, failures = outcomes.record_outcome, iter(range(3))

    async def flaky(*args):
        if next(failures, None) is not None:
            raise DatabaseError("connection lost")
        await record(*args)

    monkeypatch.setattr(outcomes, "record_outcome", flaky)
    approved = await office.approved(tenant, await office.captured(tenant))
    await office.send()
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "sent"
    assert len(smtp.to(approved["to"])) == 1


async def test_recording_an_outcome_is_not_retried_after_the_lease_has_ended(office, tenant, monkeypatch):
    async def away(*_):
        raise DatabaseError("connection lost")

    monkeypatch.setattr(outcomes, "record_outcome", away)
    await office.approved(tenant, await office.captured(tenant))
    with pytest.raises(DatabaseError):
        await office.send(limit=0.5)
    await office.lease_runs_out()


async def test_an_outcome_that_the_database_refuses_is_recorded_once_more_in_plain_words(office, tenant, monkeypatch):
    asked = []

    async def refused(work, tenant, dispatch_id, outcome):
        asked.append(outcome)
        raise IntegrityError("no such state", "23514")

    monkeypatch.setattr(outcomes, "record_outcome", refused)
    await office.approved(tenant, await office.captured(tenant))
    with pytest.raises(IntegrityError):
        await office.send()
    first, plain = asked
    assert (first.state, first.code, plain) == ("sent", "250", first.plain)
    await office.lease_runs_out()


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (b"450 4.2.0 Postfach \xfc\0berf\xfcllt", "queued", "not sent, rcpt: 450 4.2.0 Postfach berfllt"),
        (b"550 5.1.1 Empf\xe4nger unbekannt", "failed", "550 5.1.1 Empfnger unbekannt"),
    ],
)
async def test_an_answer_that_is_no_text_has_its_outcome(office, tenant, bus, answer, state, reason):
    async def serve(reader, writer):
        writer.write(b"220 mail\r\n")
        while line := await reader.readline():
            writer.write((answer if line.startswith(b"RCPT") else b"250 OK") + b"\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    approved = await office.approved(tenant, await office.captured(tenant))
    await office.send(mailer=Smtp("127.0.0.1", server.sockets[0].getsockname()[1], timeout=3))
    server.close()
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert (dispatch["state"], dispatch["reason"]) == (state, reason)
    if state == "failed":
        (bounced,) = await bus.read("message.bounced", tenant=tenant)
        assert bounced.data["address_state"] == "invalid"


async def test_the_answer_to_the_whole_message_may_take_longer_than_any_other(office, tenant, smtp):
    approved = await office.approved(tenant, await office.captured(tenant))
    smtp.on["data"] = lambda: asyncio.sleep(1)
    await office.send(timeout=0.5, answer_timeout=4)
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "sent"


async def test_a_message_of_unknown_outcome_that_crossed_stays_crossed_whoever_explains_it(office, tenant, smtp):
    approved = await office.approved(tenant, await office.captured(tenant))

    async def opt_out() -> None:
        async with office.client(tenant, "operator") as http:
            await http.post("/v1/suppressions", json={"channel": "all", "address": approved["to"]})

    smtp.on["rcpt"] = opt_out
    smtp.on["data"] = lambda: asyncio.sleep(2)
    await office.send(timeout=0.5)
    async with office.client(tenant, "operator") as http:
        body = {"outcome": "sent", "note": "seen in the mailbox"}
        answer = (await http.post(f"/v1/dispatches/{approved['dispatch_id']}/resolve", json=body)).json()
    assert (answer["state"], answer["crossed"], answer["note"]) == ("sent", True, "seen in the mailbox")


async def test_spacing_gives_turns_and_messages_that_wait_for_something_else_take_none(office, tenant, smtp):
    async with office.client(tenant, "admin") as http:
        box = {"from": f"sales@{tenant}.leadflow.example", "spacing_seconds": 60}
        assert (await http.put("/v1/settings", json={"mailboxes": [box]})).status_code == 200
    for _ in range(4):
        await office.approved(tenant, await office.captured(tenant))
    async with office.database.worker([tenant]) as work:
        await work.run(
            "UPDATE dispatch SET due_at = :tomorrow, reason = 'outside the sending window' WHERE tenant_id = :tenant",
            tomorrow=work.now + timedelta(days=1),
            tenant=tenant,
        )
    begun = datetime.now(UTC)
    approved = [await office.approved(tenant, await office.captured(tenant)) for _ in range(4)]
    await office.send()
    waiting = [await office.dispatch(tenant, each["dispatch_id"]) for each in approved]
    turns = sorted(
        (datetime.fromisoformat(each["due_at"]) - begun).total_seconds()
        for each in waiting
        if each["state"] == "queued"
    )
    assert [round(turn / 60) for turn in turns] == [1, 2, 3]


async def test_a_dispatch_whose_look_fails_waits_a_minute_and_keeps_no_other_waiting(office, tenant, smtp, monkeypatch):
    broken, fine = [await office.approved(tenant, await office.captured(tenant)) for _ in range(2)]
    lease = attempts.lease_dispatch

    async def failing(work, keys, settings, due, lasting):
        if str(due["dispatch_id"]) == broken["dispatch_id"]:
            raise TypeError("no such zone")
        return await lease(work, keys, settings, due, lasting)

    monkeypatch.setattr(attempts, "lease_dispatch", failing)
    assert await office.send(spread=1) == 2
    assert (await office.dispatch(tenant, fine["dispatch_id"]))["state"] == "sent"
    waits = await office.dispatch(tenant, broken["dispatch_id"])
    assert (waits["state"], waits["reason"]) == ("queued", "a defect in this service: TypeError")
    monkeypatch.undo()
    office.advance(minutes=1)
    await office.send()
    assert (await office.dispatch(tenant, broken["dispatch_id"]))["state"] == "sent"


async def test_a_look_that_fails_because_the_database_is_away_postpones_nothing(office, tenant, smtp, monkeypatch):
    async def away(*_):
        raise DatabaseError("connection lost")

    approved = await office.approved(tenant, await office.captured(tenant))
    monkeypatch.setattr(attempts, "lease_dispatch", away)
    with pytest.raises(DatabaseError):
        await office.send()
    monkeypatch.undo()
    await office.send()
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "sent"


async def test_a_lead_whose_channels_cannot_be_checked_is_checked_later_and_keeps_no_other_waiting(
    office, tenant, monkeypatch
):
    leads = [await office.captured(tenant) for _ in range(3)]
    checked = []
    async with office.database.worker([tenant]) as work:
        await work.run("UPDATE lead SET exhaust_due = :now WHERE tenant_id = :t", now=work.now, t=tenant)

    async def failing(work, tenant, lead_id):
        checked.append(lead_id)
        raise TypeError("no such zone")

    monkeypatch.setattr(exhaustion, "check_lead", failing)
    await workers.check_exhaustion(office.database)
    assert set(leads) <= set(checked)
    async with office.database.worker([tenant]) as work:
        rows = await work.fetch("SELECT exhaust_due FROM lead WHERE tenant_id = :t", t=tenant)
        assert all(row["exhaust_due"] > work.now for row in rows)


@pytest.mark.parametrize("value", [2, True, ["Europe/Berlin"], {"zone": "UTC"}])
async def test_a_fact_that_is_no_text_is_no_time_zone_and_no_country(office, tenant, smtp, value):
    lead = await office.captured(tenant, company=None)
    now = datetime.now(UTC).isoformat()
    fact = {"value": value, "source": "directory", "fetched_at": now}
    facts = dict.fromkeys(("timezone", "country", "company_name"), fact)
    facts["phone_country"] = {**fact, "value": "DE"}
    await office.publish(
        tenant, lead, "lead.enriched", {"facts": facts, "providers": [], "complete": True, "enriched_at": now}
    )
    async with office.database.worker() as work:
        known = await lead_of(work, tenant, lead)
    assert (known.timezone, known.country, known.company) == (None, "DE", None)
    approved = await office.approved(tenant, lead)
    await office.send()
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "sent"

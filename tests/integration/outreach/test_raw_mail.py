"""Every mail is stored before anybody tries to understand it; what takes long or fails is read later, by a worker."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from services.outreach.replies.mail_reader import NotRead
from services.outreach.replies.rules import Classification
from services.outreach.replies.use_cases import raw_mail, rereading
from shared.db import DatabaseError
from tests.integration.outreach.test_replies import answer_to, post_mail, replies, sent

__all__ = ["sent"]


@pytest.fixture
async def mails(office):
    """What reads mails. Unread ones of other tests are deleted: a round of the worker reads those of all tenants."""
    async with office.database.worker() as work:
        tenants = [row["tenant_id"] for row in await work.fetch("SELECT DISTINCT tenant_id FROM inbound_mail")]
    async with office.database.worker(tenants) as work:
        await work.run("DELETE FROM inbound_mail")
    return office.run.app.state.mails


async def stored(office, tenant) -> list[dict]:
    async with office.database.worker() as work:
        rows = await work.fetch("SELECT attempts, problem, due_at FROM inbound_mail WHERE tenant_id = :t", t=tenant)
    return [dict(row) for row in rows]


async def test_a_mail_that_is_understood_at_once_leaves_nothing_to_read(office, tenant, sent):
    _, mail, _ = sent
    assert (await post_mail(office, tenant, answer_to(mail, "Yes, please send the offer.")))["outcome"] == "matched"
    assert await stored(office, tenant) == []


async def test_a_mail_that_takes_long_is_answered_as_received_and_read_by_the_worker(
    office, tenant, sent, mails, monkeypatch
):
    lead, mail, _ = sent
    read, patience = mails.reader.read, []

    async def slow(raw, seconds, model=None):
        patience.append(seconds)
        if len(patience) == 1:
            raise NotRead("it could not be read within 1 seconds")
        return await read(raw, seconds, model)

    monkeypatch.setattr(mails.reader, "read", slow)
    answer = await post_mail(office, tenant, answer_to(mail, "Yes, please send the offer."))
    assert answer == {"reply_id": None, "outcome": "received"}
    assert await replies(office, tenant) == []
    assert await mails.read_due(office.database) == 1
    (reply,) = await replies(office, tenant)
    assert (reply["lead_id"], reply["outcome"]) == (str(lead), "matched")
    assert patience == [raw_mail.PATIENCE, raw_mail.READING_SECONDS]
    assert await mails.read_due(office.database) == 0


async def test_the_time_of_a_mail_that_is_read_late_is_its_arrival(office, tenant, sent, mails, monkeypatch):
    _, mail, _ = sent

    async def never(raw, seconds, model=None):
        raise NotRead("not now")

    before = datetime.now(UTC)
    with monkeypatch.context() as patch:
        patch.setattr(mails.reader, "read", never)
        await post_mail(office, tenant, answer_to(mail, "Yes, please send the offer."))
    office.advance(hours=5)
    await mails.read_due(office.database)
    (reply,) = await replies(office, tenant)
    assert timedelta(0) <= datetime.fromisoformat(reply["received_at"]) - before < timedelta(minutes=1)
    assert datetime.fromisoformat(reply["labelled_at"]) - before > timedelta(hours=4)


async def test_a_mail_that_nobody_can_read_is_for_a_human_with_the_reason(office, tenant, sent, mails, monkeypatch):
    _, mail, _ = sent

    async def never(raw, seconds, model=None):
        raise NotRead("it could not be read within 10 seconds")

    monkeypatch.setattr(mails.reader, "read", never)
    assert (await post_mail(office, tenant, answer_to(mail, "Goats.")))["outcome"] == "received"
    for attempt in range(1, raw_mail.ATTEMPTS + 1):
        assert await mails.read_due(office.database) == 1
        (row,) = await stored(office, tenant)
        assert (row["attempts"], row["problem"]) == (attempt, "it could not be read within 10 seconds")
        assert await mails.read_due(office.database) == 0, "it is tried again after a while, not at once"
        office.advance(minutes=1)
    await mails.read_due(office.database)
    (reply,) = await replies(office, tenant, needs_human=True)
    assert (reply["label"], reply["outcome"]) == ("other", "matched")
    assert "could not be read" in reply["because"]
    assert await stored(office, tenant) == []


async def test_a_defect_while_a_mail_is_recorded_loses_nothing_and_is_no_500(office, tenant, sent, mails, monkeypatch):
    _, mail, _ = sent

    async def defect(*_):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(raw_mail, "record_mail", defect)
        assert (await post_mail(office, tenant, answer_to(mail, "Stop writing to me.")))["outcome"] == "received"
        await mails.read_due(office.database)
    (row,) = await stored(office, tenant)
    assert row["problem"] == "a defect in this service: ZeroDivisionError"
    office.advance(minutes=1)
    await mails.read_due(office.database)
    assert [reply["label"] for reply in await replies(office, tenant)] == ["opt_out"]


async def test_a_mail_that_a_request_and_a_worker_read_at_once_becomes_one_reply(office, tenant, sent, mails):
    _, mail, _ = sent
    async with office.database.tenant(tenant) as work:
        mail_id = await raw_mail.store_mail(work, tenant, answer_to(mail, "Yes, please send the offer."))
    results = await asyncio.gather(
        mails.read_at_once(tenant, mail_id), mails.read_due(office.database), mails.read_due(office.database)
    )
    assert results[0].outcome in ("matched", "received")
    assert len(await replies(office, tenant)) == 1
    assert await stored(office, tenant) == []


async def test_a_database_that_is_away_does_not_count_as_an_attempt(office, tenant, sent, mails, monkeypatch):
    _, mail, _ = sent
    async with office.database.tenant(tenant) as work:
        await raw_mail.store_mail(work, tenant, answer_to(mail, "Goats."))

    async def away(*_):
        raise DatabaseError("connection refused")

    with monkeypatch.context() as patch:
        patch.setattr(raw_mail, "record_mail", away)
        with pytest.raises(DatabaseError):
            await mails.read_due(office.database)
    assert [row["attempts"] for row in await stored(office, tenant)] == [0]


@pytest.mark.parametrize(
    "raw",
    [b"\0", b"\xff\xfe" * 5_000, b"<" * 200_000, b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n" * 2_000],
    ids=["a zero", "no text", "brackets", "parts"],
)
async def test_any_bytes_are_taken(office, tenant, raw):
    assert (await post_mail(office, tenant, raw))["outcome"] in ("unmatched", "received")


async def test_the_same_id_with_other_content_is_another_reply(office, tenant, sent):
    _, mail, _ = sent
    one = await post_mail(office, tenant, answer_to(mail, "Yes, please send the offer."))
    other = await post_mail(office, tenant, answer_to(mail, "No, stop writing to me."))
    again = await post_mail(office, tenant, b"Received: by a relay\r\n" + answer_to(mail, "No, stop writing to me."))
    assert (one["outcome"], other["outcome"], again["outcome"]) == ("matched", "matched", "duplicate")
    assert again["reply_id"] == other["reply_id"] != one["reply_id"]


async def test_stored_mails_are_read_again_after_an_upgrade(office, tenant, sent, bus, mails, monkeypatch):
    lead, mail, _ = sent
    later = Classification("other", 0.0, "the rules of last year were not sure", needs_human=True)
    read = mails.reader.read

    async def last_year(raw, seconds, model=None):
        return dataclasses.replace(await read(raw, seconds, model), classification=later, newest="?")

    with monkeypatch.context() as patch:
        patch.setattr(mails.reader, "read", last_year)
        first = await post_mail(office, tenant, answer_to(mail, "Please stop writing to me.", id="a@x"))
        await post_mail(office, tenant, answer_to(mail, "Goats.", id="b@x"))
        labelled = await post_mail(office, tenant, answer_to(mail, "No, stop writing to me.", id="c@x"))
    async with office.client(tenant, "reviewer") as http:
        path = f"/v1/replies/{labelled['reply_id']}/label"
        assert (await http.post(path, json={"label": "interested"})).status_code == 200
    settings = (office.run.app.state.outreach.keys, "leadflow.example", tenant, datetime(2020, 1, 1, tzinfo=UTC))
    result = await rereading.reread(office.database, mails.reader, *settings)
    assert (result.read, result.kept, result.not_read) == (2, 0, 0)
    found = {reply["reply_id"]: reply for reply in await replies(office, tenant)}
    opted_out = found[first["reply_id"]]
    assert (opted_out["label"], opted_out["text"], opted_out["lead_id"]) == (
        "opt_out",
        "Please stop writing to me.",
        str(lead),
    )
    assert [entry["label"] for entry in opted_out["history"]] == ["other", "opt_out"]
    assert found[labelled["reply_id"]]["label"] == "interested"
    events = await bus.read("reply.received", tenant=tenant, where=lambda s: s.data["label"] == "opt_out")
    assert [event.data["reply_id"] for event in events] == [first["reply_id"]]
    again = await rereading.reread(office.database, mails.reader, *settings)
    assert again.changed == 0


async def test_an_opt_out_stays_though_the_rules_of_now_would_not_find_it(office, tenant, sent, mails, monkeypatch):
    _, mail, _ = sent
    await post_mail(office, tenant, answer_to(mail, "Please stop writing to me."))
    nothing = Classification("other", 0.0, "no rule is sure", needs_human=True)
    read = mails.reader.read

    async def next_year(raw, seconds, model=None):
        return dataclasses.replace(await read(raw, seconds, model), classification=nothing)

    monkeypatch.setattr(mails.reader, "read", next_year)
    settings = (office.run.app.state.outreach.keys, "leadflow.example", tenant, datetime(2020, 1, 1, tzinfo=UTC))
    result = await rereading.reread(office.database, mails.reader, *settings)
    assert (result.read, result.changed, result.kept) == (1, 0, 1)
    assert [reply["label"] for reply in await replies(office, tenant)] == ["opt_out"]

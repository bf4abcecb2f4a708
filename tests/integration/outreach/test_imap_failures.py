"""Whatever breaks while mails come in over IMAP, none is lost, and none holds up the others."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.outreach.replies.use_cases import imap_fetches
from tests.integration.outreach.imap_server import a_mail, failing, read, subjects


async def test_a_connection_that_breaks_within_a_mail_loses_and_doubles_nothing(
    office, tenant, imap_server, folder, reader, line
):
    await imap_server.deliver(folder, a_mail("one"), a_mail("two", size=300_000), a_mail("three"))
    uids = list(await imap_server.flags(folder))
    line.cut, line.cut_after = rf"UID FETCH {uids[1]} .*PEEK", 50
    reading = reader()
    assert await reading.step(office.database) == 0
    assert await subjects(office, tenant) == ["one"]
    assert failing(reading) == 1
    line.cut = None
    await asyncio.sleep(0.1)
    assert await read(office, reading) == 2
    assert sorted(await subjects(office, tenant)) == ["one", "three", "two"]
    assert failing(reading) == 0


async def test_a_mail_at_which_the_connection_always_breaks_holds_up_no_other(
    office, tenant, imap_server, folder, reader, line
):
    await imap_server.deliver(folder, a_mail("one"), a_mail("bad"), a_mail("three"), a_mail("four"))
    uids = list(await imap_server.flags(folder))
    line.cut, line.cut_after = rf"UID FETCH {uids[1]} .*PEEK", 5
    reading = reader()
    for _ in range(6):
        await reading.step(office.database)
        await asyncio.sleep(0.12)
    assert await subjects(office, tenant) == ["one", "three", "four"]


async def test_what_is_not_committed_is_neither_marked_nor_passed(
    office, tenant, imap_server, folder, reader, monkeypatch
):
    await imap_server.deliver(folder, a_mail("one"), a_mail("two"))
    reading = reader(after="seen")
    store_mail, calls = imap_fetches.store_mail, []

    async def fails_at_the_second(*given: Any) -> Any:
        calls.append(given)
        if len(calls) == 2:
            raise RuntimeError("the disk is full")
        return await store_mail(*given)

    with monkeypatch.context() as patch:
        patch.setattr(imap_fetches, "store_mail", fails_at_the_second)
        with pytest.raises(RuntimeError):
            await reading.step(office.database)
    assert await subjects(office, tenant) == []
    assert list((await imap_server.flags(folder)).values()) == [set(), set()]
    assert await read(office, reading) == 2
    assert await subjects(office, tenant) == ["one", "two"]
    assert list((await imap_server.flags(folder)).values()) == [{b"\\Seen"}, {b"\\Seen"}]


async def test_stored_mails_are_moved_and_a_mark_that_was_missed_is_made_later(
    office, tenant, imap_server, folder, reader, line
):
    done = f"done{tenant}"
    await imap_server.call(lambda client: client.create_folder(done))
    await imap_server.deliver(folder, a_mail("one"), a_mail("two"))
    line.cut, line.cut_after = "MOVE", 0
    reading = reader(after="move", move_to=done)
    assert await reading.step(office.database) == 0
    line.cut = None
    await asyncio.sleep(0.1)
    await read(office, reading)
    assert (len(await imap_server.flags(folder)), len(await imap_server.flags(done))) == (0, 2)
    assert await subjects(office, tenant) == ["one", "two"]


async def test_a_folder_that_does_not_exist_stops_no_mail(office, tenant, imap_server, folder, reader):
    await imap_server.deliver(folder, a_mail("one"))
    reading = reader(after="move", move_to="nowhere-at-all")
    with capture_logs() as logs:
        await read(office, reading)
    assert "imap.not_marked" in [entry["event"] for entry in logs]
    assert await subjects(office, tenant) == ["one"]
    await imap_server.deliver(folder, a_mail("two"))
    reading._look_at = 0.0
    assert await read(office, reading) == 1


async def test_a_replica_that_lost_its_lease_stores_nothing(office, tenant, imap_server, folder, reader):
    await imap_server.deliver(folder, a_mail("one"))
    slow, other = reader(), reader()
    slow.lease_seconds = 0.3
    await read(office, slow)
    await asyncio.sleep(0.4)
    await imap_server.deliver(folder, a_mail("two"))
    assert await read(office, other) == 1
    slow._renew_at, slow._look_at = float("inf"), 0.0  # it slept, and does not know
    with capture_logs() as logs:
        assert await slow.step(office.database) == 0
    assert "imap.lost" in [entry["event"] for entry in logs]
    assert await slow.step(office.database) == 0
    assert slow._session is None, "it asks for the lease before it connects"
    assert await subjects(office, tenant) == ["one", "two"]


async def test_a_wrong_password_is_tried_less_and_less_and_other_accounts_go_on(
    office, tenant, imap_server, folder, reader, line
):
    await imap_server.deliver(folder, a_mail("one"))
    wrong, right = reader(name=f"wrong-{tenant}", password="guess"), reader()
    wrong.login_pauses = (0.5, 900.0)
    with capture_logs() as logs:
        for _ in range(5):
            assert await wrong.step(office.database) == 0
        assert await read(office, right) == 1
        await asyncio.sleep(0.6)
        await wrong.step(office.database)
    refused = [entry for entry in logs if entry["event"] == "imap.login_refused"]
    assert [entry["seconds"] for entry in refused] == [0.5, 1.0]
    assert "guess" not in str(logs)
    assert (failing(wrong), failing(right)) == (1, 0)


async def test_a_mail_that_the_server_refuses_is_tried_again_and_then_skipped(
    office, tenant, imap_server, folder, reader, line
):
    await imap_server.deliver(folder, a_mail("one"), a_mail("bad"), a_mail("three"))
    uids = list(await imap_server.flags(folder))
    line.refuse = rf"UID FETCH {uids[1]} "
    reading = reader()
    with capture_logs() as logs:
        await read(office, reading)
        assert await subjects(office, tenant) == ["one", "three"]
        for wait in imap_fetches.WAITS:
            office.advance(seconds=wait + 1)
            reading._look_at = 0.0
            await read(office, reading)
    events = [entry["event"] for entry in logs if "mail_" in entry["event"]]
    assert events == ["imap.mail_refused"] * len(imap_fetches.WAITS) + ["imap.mail_skipped"]
    line.refuse = None
    reading._look_at = 0.0
    office.advance(days=9)
    assert await read(office, reading) == 0


async def test_a_mail_that_was_refused_once_is_stored_when_the_server_delivers_it(
    office, tenant, imap_server, folder, reader, line
):
    await imap_server.deliver(folder, a_mail("one"), a_mail("late"))
    line.refuse = rf"UID FETCH {list(await imap_server.flags(folder))[1]} "
    reading = reader()
    await read(office, reading)
    line.refuse, reading._look_at = None, 0.0
    office.advance(days=1)
    assert await read(office, reading) == 1
    assert await subjects(office, tenant) == ["one", "late"]


async def test_a_server_that_delivers_no_mail_at_all_loses_none(office, tenant, imap_server, folder, reader, line):
    await imap_server.deliver(folder, *(a_mail(str(number)) for number in range(4)))
    line.refuse = r"UID FETCH .*PEEK"
    reading = reader()
    for _ in range(len(imap_fetches.WAITS) + 2):
        assert await reading.step(office.database) == 0
        office.advance(days=3)
        reading._not_before = 0.0
    assert failing(reading) == 1
    line.refuse = None
    assert await read(office, reading) == 4


async def test_a_server_that_was_restarted_is_read_again(office, tenant, imap_server, reader, line):
    await imap_server.deliver("INBOX", a_mail("before"))
    reading = reader(folder="INBOX")
    await read(office, reading)
    await imap_server.stop()
    for _ in range(20):  # processes of a server may live a little longer than it
        assert await reading.step(office.database) == 0
        await asyncio.sleep(0.05)
    assert failing(reading) == 1
    await imap_server.start()
    await asyncio.sleep(0.1)
    await imap_server.deliver("INBOX", a_mail("after"))
    await read(office, reading)
    assert (await subjects(office, tenant))[-1] == "after"
    assert failing(reading) == 0

"""Mails come in over IMAP, each once and in order, from a real imap_server."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from imapclient import IMAPClient
from structlog.testing import capture_logs

from services.outreach.replies.gateways import imap
from tests.integration.outreach.imap_server import PASSWORD, USER, Line, a_mail, failing, read, subjects


async def test_mails_are_stored_as_they_are_and_in_their_order(office, tenant, imap_server, folder, reader):
    mails = [a_mail("one"), a_mail("two"), b"Subject: \xff\x00 three\r\n\r\nno text at all"]
    await imap_server.deliver(folder, *mails[:2])
    assert await read(office, reader()) == 2
    async with office.database.worker() as work:
        rows = await work.fetch("SELECT raw FROM inbound_mail WHERE tenant_id = :t ORDER BY mail_id", t=tenant)
    assert [bytes(row["raw"]) for row in rows] == mails[:2]


async def test_a_restarted_worker_goes_on_where_the_last_one_stopped(office, tenant, imap_server, folder, reader, line):
    await imap_server.deliver(folder, a_mail("one"), a_mail("two"))
    first = reader()
    await read(office, first)
    await first.close()
    await imap_server.deliver(folder, a_mail("three"))
    line.commands.clear()
    assert await read(office, reader()) == 1
    assert await subjects(office, tenant) == ["one", "two", "three"]
    assert len(line.heard(r"BODY\.PEEK")) == 1


async def test_a_folder_that_was_made_anew_is_read_from_the_beginning(office, tenant, imap_server, folder, reader):
    await imap_server.deliver(folder, a_mail("one"), a_mail("two"))
    reading = reader()
    await read(office, reading)
    await reading.close()

    def make_anew(client: IMAPClient) -> None:
        client.delete_folder(folder)
        client.create_folder(folder)

    await asyncio.sleep(1.1)  # a UIDVALIDITY may be the time in seconds
    await imap_server.call(make_anew)
    await imap_server.deliver(folder, a_mail("two"), a_mail("three"))
    with capture_logs() as logs:
        assert await read(office, reader()) == 2
    assert "imap.from_the_beginning" in [entry["event"] for entry in logs]
    assert await subjects(office, tenant) == ["one", "two", "two", "three"]


async def test_an_account_that_was_pointed_to_another_folder_starts_from_the_beginning(
    office, tenant, imap_server, reader
):
    for name in ("left", "right"):
        await imap_server.call(lambda client, name=name: client.create_folder(name + tenant))
        await imap_server.deliver(name + tenant, a_mail(name))
        reading = reader(folder=name + tenant)
        await read(office, reading)
        await reading.close()
    assert await subjects(office, tenant) == ["left", "right"]


async def test_a_mail_that_arrives_during_idle_is_stored_at_once(office, tenant, imap_server, folder, reader, line):
    reading = reader()
    reading.look_seconds = 30.0
    assert await read(office, reading) == 0
    listening = asyncio.create_task(reading.step(office.database))
    await line.says("IDLE")
    began = asyncio.get_running_loop().time()
    await imap_server.deliver(folder, a_mail("during"))
    assert await listening == 1
    assert asyncio.get_running_loop().time() - began < 20
    assert await subjects(office, tenant) == ["during"]


async def test_a_server_without_idle_is_polled(office, tenant, imap_server, folder, reader, line, monkeypatch):
    monkeypatch.setattr(imap.ImapSession, "idles", False, raising=False)
    monkeypatch.setattr(imap.IMAPClient, "has_capability", lambda self, name: name != "IDLE")
    monkeypatch.setattr(office.context.settings, "imap_poll_seconds", 2.0)
    reading = reader()
    assert await read(office, reading) == 0
    await imap_server.deliver(folder, a_mail("polled"))
    assert await read(office, reading) == 0
    await asyncio.sleep(2.1)
    assert await read(office, reading) == 1
    assert line.heard("IDLE") == []


async def test_by_default_nothing_changes_on_the_server(office, imap_server, folder, reader, line):
    await imap_server.deliver(folder, a_mail("one"))
    assert await read(office, reader()) == 1
    assert list((await imap_server.flags(folder)).values()) == [set()]
    assert line.heard("SELECT|STORE|MOVE|EXPUNGE") == []


async def test_of_two_replicas_one_reads_and_the_other_takes_over(office, tenant, imap_server, folder, reader, line):
    await imap_server.deliver(folder, a_mail("one"))
    first, second = reader(), reader()
    assert await read(office, first) == 1
    await imap_server.deliver(folder, a_mail("two"))
    assert await second.step(office.database) == 0
    assert len(line.heard("LOGIN")) == 1
    await first.close()
    second._not_before = 0
    assert await read(office, second) == 1
    assert await subjects(office, tenant) == ["one", "two"]


async def test_of_a_mail_that_is_too_large_the_beginning_is_stored(
    office, tenant, imap_server, folder, reader, monkeypatch
):
    monkeypatch.setattr(imap, "LARGEST", 50_000)
    monkeypatch.setattr(imap, "FIRST_PART", 10_000)
    large = a_mail("large", size=60_000)
    await imap_server.deliver(folder, a_mail("one", size=40_000), large, a_mail("three"))
    with capture_logs() as logs:
        assert await read(office, reader()) == 3
    (note,) = [entry for entry in logs if entry["event"] == "imap.too_large"]
    assert (note["bytes"], note["kept"]) == (len(large), 10_000)
    async with office.database.worker() as work:
        rows = await work.fetch("SELECT raw FROM inbound_mail WHERE tenant_id = :t ORDER BY mail_id", t=tenant)
    assert bytes(rows[1]["raw"]) == large[:10_000]


async def test_a_folder_of_many_mails_is_read_in_batches(office, tenant, imap_server, folder, reader, monkeypatch):
    monkeypatch.setattr(imap, "_FIRST_WINDOW", 7)
    monkeypatch.setattr(imap, "_WINDOW", 11)
    monkeypatch.setattr("services.outreach.replies.workers._BATCH", 9)
    await imap_server.deliver(folder, *(a_mail(f"{number:02}") for number in range(40)))
    assert await read(office, reader()) == 40
    assert await subjects(office, tenant) == [f"{number:02}" for number in range(40)]


async def test_mails_that_are_deleted_meanwhile_leave_the_others(office, tenant, imap_server, folder, reader):
    await imap_server.deliver(folder, a_mail("one"), a_mail("two"), a_mail("three"))
    uids = list(await imap_server.flags(folder))
    reading = reader()
    await reading._lease(office.database)
    reading._session = await reading._call(office.database, lambda: imap.ImapSession.open(reading.account))
    await reading._look(office.database, reading._session)

    def delete(client: IMAPClient) -> None:
        client.select_folder(folder)
        client.delete_messages([uids[0]])
        client.expunge()

    await imap_server.call(delete)
    await read(office, reading)
    assert set(await subjects(office, tenant)) >= {"two", "three"}
    await imap_server.deliver(folder, a_mail("four"))
    reading._look_at = 0.0
    await read(office, reading)
    assert (await subjects(office, tenant))[-1] == "four"


async def test_a_whole_service_reads_its_accounts_and_stops_while_it_listens(
    start, backend, tenant, imap_server, folder, line, eventually
):
    account = {"name": f"whole-{tenant}", "tenant": tenant, "host": "127.0.0.1", "port": line.port, "user": USER}
    account |= {"password": PASSWORD, "folder": folder, "security": "none", "after": "seen"}
    run = await start("outreach", only="workers", imap_accounts=[account])

    async def seen() -> bool:
        return b"\\Seen" in set().union(*(await imap_server.flags(folder)).values())

    for number in range(2):
        await imap_server.deliver(folder, a_mail(str(number)))
        await eventually(seen)
    began = asyncio.get_running_loop().time()
    await run.stop()
    assert asyncio.get_running_loop().time() - began < 20
    async with run.database.worker() as work:
        row = await work.fetch_one("SELECT holder FROM imap_position WHERE tenant_id = :t", t=tenant)
    assert row is not None and row["holder"] is None


def a_certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that no authority knows, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    file = folder / "server.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(secret + made.sign(key, SHA256()).public_bytes(Encoding.PEM))
    return file


async def test_a_server_with_a_certificate_that_is_not_trusted_gets_no_password(
    office, tenant, imap_server, folder, reader, tmp_path
):
    file = a_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    line = Line(imap_server)
    await line.start(context)
    try:
        await imap_server.deliver(folder, a_mail("one"))
        stranger, known = reader(port=line.port, security="tls"), reader(port=line.port, security="tls", ca_file=file)
        assert await stranger.step(office.database) == 0
        assert (failing(stranger), line.heard("LOGIN")) == (1, [])
        await stranger.close()
        assert await read(office, known) == 1
        known.look_seconds = 5.0
        listening = asyncio.create_task(known.step(office.database))
        await line.says("IDLE")
        await imap_server.deliver(folder, a_mail("two"))
        assert await listening == 1
    finally:
        await known.close()
        await line.stop()


async def test_a_server_without_starttls_gets_no_password(office, folder, reader, line):
    reading = reader(security="starttls")
    assert await reading.step(office.database) == 0
    assert (failing(reading), line.heard("LOGIN")) == (1, [])


async def test_a_token_is_read_anew_for_each_login(office, folder, reader, line, tmp_path):
    token = tmp_path / "token"
    reading = reader(password="", token_file=token)
    assert await reading.step(office.database) == 0
    assert (failing(reading), line.heard("AUTHENTICATE|LOGIN")) == (1, [])
    for secret in ("first", "second"):
        token.write_text(f"{secret}\n")
        reading._not_before = 0.0
        assert await reading.step(office.database) == 0
    assert len(line.heard("AUTHENTICATE XOAUTH2")) == 2
    assert line.heard("LOGIN") == []

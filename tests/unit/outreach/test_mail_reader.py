"""The process that reads mails: it answers, it is ended when it hangs, and one bad mail does not cost the next."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from services.outreach.replies.mail_reader import MailReader, NotRead, TenantModel
from services.outreach.replies.rules.mail_reading import read_mail, read_sms, unread_mail, unread_sms
from services.outreach.replies.rules.reply_model import shipped_model

MAIL = b"From: Ada <ada@lead.example>\r\nSubject: Re: Tea\r\nMessage-ID: <1@x>\r\n\r\nPlease unsubscribe me.\r\n"


@pytest.fixture
async def reader():
    reader = MailReader()
    yield reader
    await reader.close()


async def test_a_mail_is_read_in_another_process_as_it_would_be_in_this_one(reader):
    read = await reader.read(MAIL, 5)
    assert read == read_mail(MAIL)
    assert (read.sender, read.classification.label) == ("ada@lead.example", "opt_out")


async def test_many_mails_are_read_one_after_the_other_by_one_process(reader):
    mails = [MAIL.replace(b"<1@x>", b"<%d@x>" % number) for number in range(20)]
    read = await asyncio.gather(*(reader.read(mail, 20) for mail in mails))
    assert [each.message_id for each in read] == [f"{number}@x" for number in range(20)]


async def test_a_mail_that_takes_too_long_ends_the_process_and_the_next_is_read(reader):
    await reader.read(MAIL, 5)
    process = reader._process
    process.send_signal(signal.SIGSTOP)  # it hangs
    with pytest.raises(NotRead, match=r"within 0\.2 seconds"):
        await reader.read(MAIL, 0.2)
    assert process.returncode == -signal.SIGKILL
    assert (await reader.read(MAIL, 5)).message_id == "1@x"


async def test_a_process_that_dies_costs_one_attempt(reader):
    await reader.read(MAIL, 5)
    os.kill(reader._process.pid, signal.SIGSTOP)
    reading = asyncio.create_task(reader.read(MAIL, 5))
    await asyncio.sleep(0.05)
    os.kill(reader._process.pid, signal.SIGKILL)
    with pytest.raises(NotRead, match="ended"):
        await reading
    assert (await reader.read(MAIL, 5)).message_id == "1@x"


async def test_a_mail_that_breaks_the_rules_is_not_read_and_the_process_goes_on(reader, monkeypatch, tmp_path):
    broken = tmp_path / "sitecustomize.py"
    broken.write_text(
        "import services.outreach.replies.rules.mail_reading as reading\n"
        "real = reading.read_mail\n"
        "def broken(raw, model=None):\n"
        "    if b'Tea' in raw:\n"
        "        raise RecursionError('too deep')\n"
        "    return real(raw, model)\n"
        "reading.read_mail = broken\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(NotRead, match="RecursionError: too deep"):
        await reader.read(MAIL, 5)
    process = reader._process
    assert (await reader.read(MAIL.replace(b"Tea", b"Cup"), 5)).subject == "Re: Cup"
    assert reader._process is process


async def test_the_process_knows_no_secret_of_the_service(reader, monkeypatch):
    monkeypatch.setenv("LEADFLOW_OUTREACH_SECRET", "s3cret")
    await reader.read(MAIL, 5)
    environment = await asyncio.to_thread(Path(f"/proc/{reader._process.pid}/environ").read_bytes)
    assert b"PATH=" in environment
    assert b"s3cret" not in environment


async def test_a_request_that_is_given_up_leaves_no_answer_for_the_next_mail(reader):
    await reader.read(MAIL, 5)
    os.kill(reader._process.pid, signal.SIGSTOP)
    reading = asyncio.create_task(reader.read(MAIL, 5))
    await asyncio.sleep(0.05)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (await reader.read(MAIL.replace(b"<1@x>", b"<2@x>"), 5)).message_id == "2@x"


def test_what_could_not_be_read_is_for_a_human_with_the_reason():
    read = unread_mail(MAIL, "ab", "the mail could not be read")
    assert (read.sender, read.subject) == ("ada@lead.example", "Re: Tea")
    assert (read.classification.label, read.classification.needs_human) == ("other", True)
    assert read.classification.because == "the mail could not be read"
    assert "unsubscribe me" in read.newest


@pytest.mark.parametrize("raw", [b"", b"\0", b"\xff" * 100, b"From: x", b"From:\n\n"])
def test_any_bytes_are_for_a_human_when_nothing_else_is_known(raw):
    assert unread_mail(raw, "ab", "why").classification.needs_human


async def test_an_sms_is_read_by_the_same_process(reader):
    read = await reader.read_sms("STOP", 5)
    assert read == read_sms("STOP")
    assert read.classification.stop_word


async def test_a_tenants_model_is_handed_over_once_and_again_after_the_process_died(reader):
    handed: list[bytes] = []

    async def load() -> bytes:
        handed.append(b"")
        return shipped_model().to_bytes()

    model = TenantModel(bytes(range(32)), load)
    for _ in range(3):
        assert (await reader.read(MAIL, 5, model)).classification == read_mail(MAIL).classification
    assert len(handed) == 1
    await reader.close()
    await reader.read(MAIL, 5, model)
    assert len(handed) == 2


async def test_a_model_that_is_none_is_a_reason_and_the_process_goes_on(reader):
    async def load() -> bytes:
        return b"not a model"

    with pytest.raises(NotRead, match="packed arrays"):
        await reader.read(MAIL, 5, TenantModel(bytes(range(32)), load))
    assert (await reader.read(MAIL, 5)).message_id == "1@x"


def test_a_stop_word_counts_in_an_sms_that_could_not_be_read():
    assert unread_sms("Stop please", "it broke").classification.stop_word
    assert unread_sms("Call me", "it broke").classification.needs_human

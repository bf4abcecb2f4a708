import smtplib
from asyncio import to_thread
from email.message import EmailMessage

import pytest

from deploy.local.mailbox import SmtpMailbox, read_mailbox, reply_to
from deploy.local.ports import free_port


def a_mail(**headers: str) -> EmailMessage:
    message = EmailMessage()
    fields = {
        "From": "Sales <sales@us.example>",
        "To": "ann@them.example",
        "Subject": "Hello",
        "Message-ID": "<1@us.example>",
    }
    for name, value in (fields | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        message[name] = value
    message.set_content("Shall we talk?\n")
    return message


@pytest.fixture
async def mailbox(tmp_path):
    box = SmtpMailbox(tmp_path / "mailbox", free_port())
    await box.start()
    yield box
    await box.stop()


async def send(mailbox: SmtpMailbox, message: EmailMessage) -> None:
    def deliver() -> None:
        with smtplib.SMTP("127.0.0.1", mailbox.port) as smtp:
            smtp.send_message(message)

    await to_thread(deliver)


async def test_a_sent_message_can_be_read(mailbox):
    await send(mailbox, a_mail())
    (mail,) = read_mailbox(mailbox.maildir)
    assert (mail.number, mail.recipient, mail.subject) == (1, "ann@them.example", "Hello")
    assert mail.message["Return-Path"] == "<sales@us.example>"
    assert mail.text.strip() == "Shall we talk?"


async def test_messages_are_numbered_in_the_order_of_arrival(mailbox):
    for subject in ("one", "two", "three"):
        await send(mailbox, a_mail(Subject=subject))
    assert [(mail.number, mail.subject) for mail in read_mailbox(mailbox.maildir)] == [
        (1, "one"),
        (2, "two"),
        (3, "three"),
    ]


async def test_a_reply_names_the_message_it_replies_to(mailbox):
    await send(mailbox, a_mail(References="<0@us.example>", Reply_To="replies@us.example"))
    (mail,) = read_mailbox(mailbox.maildir)
    reply = reply_to(mail, "Yes, on Monday.")
    assert reply["From"] == "ann@them.example"
    assert reply["To"] == "replies@us.example"
    assert reply["In-Reply-To"] == "<1@us.example>"
    assert reply["References"] == "<0@us.example> <1@us.example>"
    assert reply["Subject"] == "Re: Hello"
    assert reply.get_content().startswith("Yes, on Monday.")
    assert "> Shall we talk?" in reply.get_content()


async def test_an_out_of_office_reply_is_marked_in_its_headers(mailbox):
    await send(mailbox, a_mail())
    (mail,) = read_mailbox(mailbox.maildir)
    assert reply_to(mail, "I am away", automatic=True)["Auto-Submitted"] == "auto-replied"


def test_a_mailbox_that_was_never_used_is_empty(tmp_path):
    assert read_mailbox(tmp_path / "nothing") == []

"""The local mailbox: an SMTP server that stores every message in a Maildir, for a person to read and answer."""

import asyncio
import mailbox
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class SmtpMailbox:
    """Accepts mail for any address on 127.0.0.1:`port`, and stores it with the envelope's addresses as headers."""

    def __init__(self, maildir: Path, port: int) -> None:
        self.maildir = maildir
        self.port = port
        self._box = mailbox.Maildir(maildir, create=True)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Start to listen. Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, enable_SMTPUTF8=True, hostname="localhost", ident="Leadflow local mailbox"),
            host="127.0.0.1",
            port=self.port,
        )

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd for each message; the answer 250 means that it is on the disk."""
        received = [f"Return-Path: <{envelope.mail_from or ''}>"]
        received += [f"Delivered-To: {address}" for address in envelope.rcpt_tos]
        content = envelope.original_content or b""
        self._box.add("\n".join(received).encode() + b"\n" + content.replace(b"\r\n", b"\n"))
        return "250 2.0.0 stored"


@dataclass(frozen=True)
class Mail:
    """A message of the mailbox. `number` counts from 1 in the order of arrival."""

    number: int
    arrived_at: datetime
    message: EmailMessage

    @property
    def sender(self) -> str:
        return str(self.message["From"] or "")

    @property
    def recipient(self) -> str:
        return str(self.message["To"] or self.message["Delivered-To"] or "")

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"] or "").strip()

    @property
    def text(self) -> str:
        """The plain text, else the HTML; '' if the message has neither."""
        body = self.message.get_body(preferencelist=("plain", "html"))
        return str(body.get_content()) if body is not None else ""


def read_mailbox(maildir: Path) -> list[Mail]:
    """All messages in the order of arrival."""
    files = [file for part in ("new", "cur") if (maildir / part).is_dir() for file in (maildir / part).iterdir()]
    parser = BytesParser(policy=policy.default)
    mails = []
    for number, file in enumerate(sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name)), start=1):
        arrived = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        mails.append(Mail(number, arrived, parser.parsebytes(file.read_bytes())))
    return mails


def reply_to(mail: Mail, text: str, *, subject: str | None = None, automatic: bool = False) -> EmailMessage:
    """The reply that the recipient's mail program would send; `automatic` marks it as an out-of-office reply."""
    reply = EmailMessage(policy=policy.SMTP)
    reply["From"] = mail.recipient
    reply["To"] = str(mail.message["Reply-To"] or mail.sender)
    reply["Subject"] = subject or (mail.subject if mail.subject.lower().startswith("re:") else f"Re: {mail.subject}")
    reply["Date"] = format_datetime(datetime.now(UTC))
    reply["Message-ID"] = make_msgid(domain=_domain(mail.recipient))
    if mail.message_id:
        earlier = str(mail.message["References"] or "").split()
        reply["In-Reply-To"] = mail.message_id
        reply["References"] = " ".join([*earlier, mail.message_id])
    if automatic:
        reply["Auto-Submitted"] = "auto-replied"
        reply["X-Auto-Response-Suppress"] = "All"
    quoted = "\n".join(f"> {line}" for line in mail.text.splitlines())
    reply.set_content(f"{text}\n\nOn {mail.arrived_at:%d %b %Y}, {mail.sender} wrote:\n{quoted}\n")
    return reply


def _domain(address: str) -> str:
    parsed: Any = EmailMessage(policy=policy.default)
    parsed["To"] = address
    addresses = parsed["To"].addresses
    return addresses[0].domain if addresses and addresses[0].domain else "localhost"

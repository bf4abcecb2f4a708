"""The gateways that send: SMTP, and a provider of SMS. Each attempt returns an Outcome with what is certain of it."""

import asyncio
import json
import os
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import aiosmtplib
import httpx
from aiosmtplib.protocol import PERIOD_REGEX, normalize_message_line_endings

from services.outreach.sending.rules import Outcome, sms_outcome, smtp_outcome
from shared.text import clean


@dataclass(frozen=True, slots=True)
class OutboundMail:
    """A mail ready to be sent; the addresses in the form that mail servers know."""

    sender: str
    recipient: str
    raw: bytes


class Mailer(Protocol):
    async def send(self, mail: OutboundMail) -> Outcome:
        """One attempt. Never raises for what the network or the server does."""
        ...


@dataclass(frozen=True, slots=True)
class Smtp:
    """An SMTP server. Each message has its own connection, so that a broken one leaves only one outcome unknown.

    `timeout`: seconds for each step. `answer_timeout`: seconds for the answer to the whole message; a server may take
    ten minutes (RFC 5321, 4.5.3.2.6), and a client that hangs up before does not learn whether it was sent.
    """

    host: str
    port: int
    user: str = ""
    password: str = ""
    starttls: bool = False
    timeout: float = 30.0
    answer_timeout: float = 600.0

    async def send(self, mail: OutboundMail) -> Outcome:
        client = aiosmtplib.SMTP(
            hostname=self.host, port=self.port, timeout=self.timeout, use_tls=self.port == 465, start_tls=False
        )
        step = "connect"
        try:
            await client.connect()
            if self.starttls and self.port != 465:
                step = "tls"
                await client.starttls(tls_context=ssl.create_default_context())
            if self.user:
                step = "login"
                await client.login(self.user, self.password)
            step = "mail"
            beyond_ascii = not (mail.sender + mail.recipient).isascii()
            if beyond_ascii and not await _supports_utf8(client):
                return Outcome("failed", "the mail server accepts only ASCII addresses (it lacks SMTPUTF8)")
            encoding = "utf-8" if beyond_ascii else "ascii"
            await client.mail(mail.sender, options=["SMTPUTF8"] if beyond_ascii else [], encoding=encoding)
            step = "rcpt"
            await client.rcpt(mail.recipient, encoding=encoding)
            step = "data"
            start = await client.execute_command(b"DATA")
            if start.code != 354:
                return smtp_outcome(step, start.code, start.message)
            step = "body"
            answer = await self._hand_over(client, mail.raw)
            return smtp_outcome(step, answer.code, answer.message)
        except aiosmtplib.SMTPResponseException as error:
            return smtp_outcome(step, error.code, error.message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ssl.SSLError) as error:
            return smtp_outcome(step, None, f"{type(error).__name__}: {error}")
        finally:
            await _quit(client)

    async def _hand_over(self, client: aiosmtplib.SMTP, raw: bytes) -> aiosmtplib.SMTPResponse:
        """Send the bytes and their end. From the first byte on, silence leaves the outcome unknown."""
        protocol = client.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        protocol.write(PERIOD_REGEX.sub(b"..", normalize_message_line_endings(raw)) + b".\r\n")
        return await protocol.read_response(timeout=self.answer_timeout)


async def _supports_utf8(client: aiosmtplib.SMTP) -> bool:
    if client.is_ehlo_or_helo_needed:
        await client.ehlo()
    return client.supports_extension("smtputf8")


async def _quit(client: aiosmtplib.SMTP) -> None:
    """End the session politely where that is possible. The outcome does not depend on it."""
    try:
        if client.is_connected:
            await asyncio.wait_for(client.quit(), 2)
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        pass
    finally:
        client.close()


@dataclass(frozen=True, slots=True)
class OutboundSms:
    """An SMS ready to be sent. `reference`: our id for it; `callback`: the URL for the provider's status reports."""

    reference: str
    sender: str
    recipient: str
    body: str
    at: datetime
    callback: str


class SmsProvider(Protocol):
    async def send(self, sms: OutboundSms) -> Outcome:
        """One attempt. Never raises for what the network or the provider does."""
        ...


class NoSms:
    """Where no provider is set: text messages wait, as they do while a provider cannot be reached."""

    async def send(self, sms: OutboundSms) -> Outcome:
        return Outcome("queued", "not sent: no provider of text messages is set (LEADFLOW_OUTREACH_SMS_PROVIDER)")


@dataclass(frozen=True, slots=True)
class FileSms:
    """The local provider: appends a JSON line for each message."""

    path: Path

    async def send(self, sms: OutboundSms) -> Outcome:
        sid = sms.reference
        line = {"message_sid": sid, "from": sms.sender, "to": sms.recipient, "body": sms.body, "at": sms.at.isoformat()}
        try:
            await asyncio.to_thread(_append, self.path, json.dumps(line, ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            return Outcome("queued", f"the file cannot be written: {error.strerror}")
        return Outcome("sent", "written to the local file", provider_id=sid)


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


class TwilioSms:
    """A provider with Twilio's HTTP interface."""

    def __init__(self, url: str, account: str, token: str, *, timeout: float) -> None:
        self._url = f"{url.rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json"
        self._auth = (account, token)
        self._timeout = timeout

    async def send(self, sms: OutboundSms) -> Outcome:
        form = {"From": sms.sender, "To": sms.recipient, "Body": sms.body, "StatusCallback": sms.callback}
        try:
            async with httpx.AsyncClient(timeout=self._timeout, auth=self._auth) as client:
                answer = await client.post(self._url, data=form)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return sms_outcome(None, "", type(error).__name__, connected=False)
        except httpx.HTTPError as error:
            return sms_outcome(None, "", type(error).__name__)
        try:
            content = answer.json()
        except ValueError:
            content = {}
        content = content if isinstance(content, dict) else {}
        code, message, sid = (clean(str(content.get(name) or "")) for name in ("code", "message", "sid"))
        outcome = sms_outcome(answer.status_code, code, message)
        if outcome.state == "sent" and not sid:
            return Outcome("unknown", "the provider's answer names no message")
        return Outcome(outcome.state, outcome.reason, outcome.code, outcome.blames_address, sid or None)

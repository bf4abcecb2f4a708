"""What an SMTP server of the tests has received, and how it answers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


@dataclass
class Mailbox:
    """What the server received. `answers`: its answer to a command instead of the usual one; `on`: called before it."""

    port: int = 0
    arrived: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    on: dict[str, Callable[[], Any]] = field(default_factory=dict)
    _read: list[EmailMessage] = field(default_factory=list)

    async def _at(self, step: str) -> str | None:
        if step in self.on:
            result = self.on[step]()
            if asyncio.iscoroutine(result):
                await result
        return self.answers.get(step)

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> Any:
        session.host_name = hostname
        answer = await self._at("ehlo")
        return [answer] if answer else responses

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        answer = await self._at("mail")
        if answer is None:
            envelope.mail_from = address
        return answer or "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        answer = await self._at("rcpt")
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if "refused" not in self.answers.get("data", ""):
            self.arrived.append(envelope.original_content)
            self.recipients += envelope.rcpt_tos
        return await self._at("data") or "250 kept"

    def mails(self) -> list[EmailMessage]:
        new = self.arrived[len(self._read) :]
        self._read += [message_from_bytes(raw, policy=policy.default) for raw in new]  # type: ignore[misc]
        return list(self._read)

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails() if mail["To"] == address]

    def reset(self) -> None:
        self.answers.clear()
        self.on.clear()

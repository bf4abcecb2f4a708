"""Raw mails: stored before anybody tries to understand them, read in a process of their own, recorded as what they say.

A mail is stored in a transaction of its own. The request that brought it waits a second for what it says; a worker
goes on where that takes longer or fails.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import structlog

from services.outreach.context import Context
from services.outreach.replies.mail_reader import MailReader, NotRead, TenantModel
from services.outreach.replies.rules.mail_reading import ReadMail, ReadSms, unread_mail, unread_sms
from services.outreach.replies.store import inbound_mails, reply_models
from services.outreach.replies.store.inbound_mails import StoredMail
from services.outreach.replies.use_cases.received import ReceivedMessage
from services.outreach.replies.use_cases.receiving import record_mail
from shared.db import Database, DatabaseError, UnitOfWork, may_pass_later
from shared.ids import uuid7

log = structlog.get_logger()

PATIENCE = 1.0
"""Seconds for which the request that brought a mail waits for what it says."""
READING_SECONDS = 10.0
"""How long a worker lets the reading of one mail take."""
ATTEMPTS = 3
"""So often a mail is tried; then a human reads it, with the reason."""
_TAKEN = timedelta(seconds=3)
"""For so long the request that brought a mail has it to itself."""
_AGAIN = timedelta(seconds=5)
_PAGE = 20

Begin = Callable[[str], AbstractAsyncContextManager[UnitOfWork]]
"""Begins a transaction for a tenant, in the role of a request or of a worker."""


async def store_mail(work: UnitOfWork, tenant: str, raw: bytes, *, taken: bool = False) -> UUID:
    """Store a raw mail, before anybody tries to understand it; a worker reads it after the commit.

    `taken`: the caller reads it at once, with `read_at_once`, and the worker only if that fails.
    """
    mail_id = uuid7()
    await inbound_mails.add(work, tenant, mail_id, raw, work.now + _TAKEN if taken else work.now)
    return mail_id


async def model_of(work: UnitOfWork, begin: Begin, tenant: str) -> TenantModel | None:
    """The model that the tenant has trained; None where the shipped one labels its replies."""
    digest = await reply_models.digest_of(work, tenant)
    if digest is None:
        return None

    async def load() -> bytes:
        async with begin(tenant) as later:
            return await reply_models.get(later, tenant) or b""

    return TenantModel(digest, load)


@dataclass(frozen=True, slots=True)
class Mails:
    """Reads stored mails and records what they say."""

    context: Context
    reader: MailReader

    async def read_at_once(self, tenant: str, mail_id: UUID) -> ReceivedMessage:
        """What the mail says if that is known within a second; else `received`, and a worker goes on."""
        begin = self.context.service.database.tenant
        try:
            received = await self._read(begin, tenant, mail_id, PATIENCE)
        except Exception as error:
            if not isinstance(error, NotRead):
                log.error("mail.not_recorded", tenant=tenant, mail_id=str(mail_id), exc_info=error)
            received = None
        if received is None:
            async with begin(tenant) as work:
                await inbound_mails.release(work, tenant, mail_id)
                self.context.wake_after(work, "mails")
        return received or ReceivedMessage(None, "received")

    async def read_sms(self, tenant: str, body: str) -> ReadSms:
        """What an SMS says. Where it cannot be read in time, a STOP word still counts, and the rest is for a human."""
        begin = self.context.service.database.tenant
        async with begin(tenant) as work:
            model = await model_of(work, begin, tenant)
        try:
            return await self.reader.read_sms(body, READING_SECONDS, model)
        except NotRead as error:
            log.error("sms.not_read", tenant=tenant, problem=str(error))
            return unread_sms(body, str(error))

    async def read_due(self, database: Database) -> int:
        """A worker's round: read the mails that are due; how many were looked at."""
        async with database.worker() as work:
            due = await inbound_mails.due(work, _PAGE)
        for tenant, mail_id in due:
            await self._read_or_postpone(lambda each: database.worker([each]), tenant, mail_id)
        return len(due)

    async def _read_or_postpone(self, begin: Begin, tenant: str, mail_id: UUID) -> None:
        try:
            await self._read(begin, tenant, mail_id, READING_SECONDS)
        except Exception as error:
            if isinstance(error, DatabaseError) and may_pass_later(error):
                raise
            problem = str(error) if isinstance(error, NotRead) else f"a defect in this service: {type(error).__name__}"
            log.error("mail.not_read", tenant=tenant, mail_id=str(mail_id), problem=problem, exc_info=error)
            async with begin(tenant) as work:
                await inbound_mails.postpone(work, tenant, mail_id, work.now + _AGAIN, problem)

    async def _read(self, begin: Begin, tenant: str, mail_id: UUID, seconds: float) -> ReceivedMessage | None:
        """Read the mail and record what it says; None when somebody else has done so, or does so now."""
        async with begin(tenant) as work:
            mail = await inbound_mails.get(work, tenant, mail_id)
            if mail is None:
                return None
            model = await model_of(work, begin, tenant)
        read = await self._understand(mail, seconds, model)
        async with begin(tenant) as work:
            if not await inbound_mails.lock(work, tenant, mail_id):
                return None
            received = await record_mail(
                work, self.context.keys, self.context.settings.mail_domain, tenant, read, mail.raw, mail.received_at
            )
            await inbound_mails.delete(work, tenant, mail_id)
            self.context.wake_after(work, "composer")
        return received

    async def _understand(self, mail: StoredMail, seconds: float, model: TenantModel | None) -> ReadMail:
        if mail.attempts >= ATTEMPTS:
            problem = f"the mail could not be read in {ATTEMPTS} attempts; its raw form is kept"
            return unread_mail(mail.raw, sha256(mail.raw).hexdigest(), problem)
        return await self.reader.read(mail.raw, seconds, model)

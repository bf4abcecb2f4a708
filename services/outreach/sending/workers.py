"""Sends what is due, gives up what nobody came back for, and says when a lead's channels are used up."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.outreach.context import Context
from services.outreach.sending import exhaustion, store, use_cases
from services.outreach.sending.gateways import Mail, Mailer, Sms, SmsProvider
from services.outreach.sending.message import build_mime, on_the_wire
from services.outreach.sending.rules import Outcome
from shared.db import RETRY_AT_ONCE, Database, is_outage, sqlstate
from shared.errors import Invalid

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sender:
    """Hands over one message at a time. `limit`: seconds for a whole attempt; the lease is twice as long."""

    context: Context
    mailer: Mailer
    sms: SmsProvider
    public_url: str
    limit: float
    spread: int = 20

    async def step(self, database: Database) -> int:
        """One dispatch that is due: claim it (committed), hand it over, settle it (committed)."""
        async with database.worker() as work:
            due = await store.next_due(work, self.spread)
        if due is None:
            return 0
        lease_ends = time.monotonic() + self.limit * 2
        async with database.worker([due["tenant_id"]]) as work:
            attempt = await use_cases.claim(work, self.context.keys, due, timedelta(seconds=self.limit * 2))
        if attempt is None:
            return 1
        outcome = await self.hand_over(attempt)
        await self._settle(database, attempt, outcome, lease_ends)
        log.info(
            "dispatch.settled",
            tenant=attempt.tenant,
            dispatch_id=str(attempt.dispatch_id),
            state=outcome.state,
            code=outcome.code,
        )
        return 1

    async def hand_over(self, attempt: use_cases.Attempt) -> Outcome:
        """The only place where a message leaves. Before the gateway is called nothing has left, whatever goes wrong;
        after that nobody knows."""
        try:
            send = self._ready(attempt)
        except Exception as error:
            log.warning("dispatch.cannot_be_written", dispatch_id=str(attempt.dispatch_id), exc_info=error)
            why = error.detail if isinstance(error, Invalid) else type(error).__name__
            return Outcome("failed", f"it cannot be written as a message: {why}")
        try:
            return await asyncio.wait_for(send(), self.limit)
        except TimeoutError:
            return Outcome("unknown", f"no end after {self.limit:g} seconds")
        except Exception as error:
            log.error("dispatch.gateway_failed", dispatch_id=str(attempt.dispatch_id), exc_info=error)
            return Outcome("unknown", f"{type(error).__name__} on its way out")

    def _ready(self, attempt: use_cases.Attempt) -> Callable[[], Awaitable[Outcome]]:
        message = attempt.message
        if message.channel == "email":
            link = f"{self.public_url}/v1/unsubscribe/{attempt.unsubscribe_token}"
            raw = build_mime(message, message_id=attempt.message_id, date=attempt.at, unsubscribe=link)
            return partial(self.mailer.send, Mail(on_the_wire(message.from_), on_the_wire(message.to), raw))
        callback = f"{self.public_url}/v1/sms/status?tenant={attempt.tenant}&dispatch={attempt.dispatch_id}"
        sms = Sms(attempt.message_id, message.from_, message.to, message.body, attempt.at, callback)
        return partial(self.sms.send, sms)

    async def _settle(
        self, database: Database, attempt: use_cases.Attempt, outcome: Outcome, lease_ends: float
    ) -> None:
        """Store the outcome. It is known only here, so a database that is away is asked again until the lease ends."""
        pause = 0.1
        while True:
            try:
                async with database.worker([attempt.tenant]) as work:
                    return await use_cases.settle(work, attempt.tenant, attempt.dispatch_id, outcome)
            except (SQLAlchemyError, OSError) as error:
                if time.monotonic() + pause > lease_ends or not _passes(error):
                    raise
                log.warning("dispatch.not_settled_yet", dispatch_id=str(attempt.dispatch_id), error=str(error)[:200])
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)


def _passes(error: SQLAlchemyError | OSError) -> bool:
    return isinstance(error, OSError) or is_outage(error) or sqlstate(error) in RETRY_AT_ONCE


async def give_up_leases(database: Database) -> int:
    """What ran out in `sending` becomes `unknown`, and is never sent again."""
    async with database.worker() as work:
        rows = await store.overdue(work)
    for row in rows:
        async with database.worker([row["tenant_id"]]) as work:
            await use_cases.give_up_lease(work, row["tenant_id"], row["dispatch_id"])
    return len(rows)


async def judge_exhaustion(database: Database) -> int:
    """Leads whose channels may be used up now."""
    async with database.worker() as work:
        rows = await work.fetch(
            "SELECT tenant_id, lead_id FROM lead WHERE exhaust_due <= :now ORDER BY exhaust_due LIMIT 100", now=work.now
        )
    for row in rows:
        async with database.worker([row["tenant_id"]]) as work:
            await exhaustion.judge(work, row["tenant_id"], row["lead_id"])
    return len(rows)

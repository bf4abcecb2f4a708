"""Workers of sending: the sender, expired leases, used-up channels."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from services.outreach.address_forms import on_the_wire
from services.outreach.context import Context
from services.outreach.sending import store
from services.outreach.sending.gateways import Mailer, OutboundMail, OutboundSms, SmsProvider
from services.outreach.sending.message import build_mime
from services.outreach.sending.rules import Outcome
from services.outreach.sending.use_cases import attempts, exhaustion, expired_leases, outcomes
from services.outreach.sending.use_cases.attempts import Attempt
from shared.db import Database, Row, is_outage, may_pass_later
from shared.db.retries import ATTEMPTS, is_collision
from shared.errors import Invalid

log = structlog.get_logger()

AGAIN_AFTER = timedelta(minutes=1)
"""When a dispatch, or a lead, is looked at again whose look has failed."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends one message at a time. `limit`: seconds for a whole attempt; the lease is twice as long.

    `spread`: among how many due dispatches it picks one at random.
    """

    context: Context
    mailer: Mailer
    sms: SmsProvider
    public_url: str
    limit: float
    spread: int = 20

    async def step(self, database: Database) -> int:
        """One due dispatch: lease it (commit), hand it over, record the outcome (commit). 0 when nothing is due."""
        async with database.worker() as work:
            due = await store.next_due(work, self.spread)
        if due is None:
            return 0
        lease_ends = time.monotonic() + self.limit * 2
        attempt = await self._lease(database, due)
        if attempt is None:
            return 1
        if time.monotonic() + self.limit > lease_ends:
            outcome = Outcome("queued", "not sent: the sender was held up until its lease had no room for the attempt")
        else:
            outcome = await self.hand_over(attempt)
        await self._record(database, attempt, outcome, lease_ends)
        log.info(
            "dispatch.outcome_recorded",
            tenant=attempt.tenant,
            dispatch_id=str(attempt.dispatch_id),
            state=outcome.state,
            code=outcome.code,
        )
        return 1

    async def _lease(self, database: Database, due: Row) -> Attempt | None:
        """Lease a due dispatch. One that fails at that is tried again later: it must not keep the others waiting."""
        tenant, dispatch_id = due["tenant_id"], due["dispatch_id"]
        lease = timedelta(seconds=self.limit * 2)
        try:
            async with database.worker([tenant]) as work:
                return await attempts.lease_dispatch(work, self.context.keys, self.context.settings, due, lease)
        except Exception as error:
            if may_pass_later(error):
                raise
            log.error("dispatch.not_leased", tenant=tenant, dispatch_id=str(dispatch_id), exc_info=error)
            reason = f"a defect in this service: {type(error).__name__}"
            async with database.worker([tenant]) as work:
                await store.postpone(work, tenant, dispatch_id, work.now + AGAIN_AFTER, reason)
        return None

    async def hand_over(self, attempt: Attempt) -> Outcome:
        """Call the gateway: the only place from which a message is sent.

        Whatever fails before the call proves that it was not sent; what fails after it leaves the outcome unknown.
        """
        try:
            send = self._prepare(attempt)
        except Exception as error:
            log.warning("dispatch.message_not_built", dispatch_id=str(attempt.dispatch_id), exc_info=error)
            why = error.detail if isinstance(error, Invalid) else type(error).__name__
            return Outcome("failed", f"it cannot be written as a message: {why}")
        try:
            return await asyncio.wait_for(send(), self.limit)
        except TimeoutError:
            return Outcome("unknown", f"no end after {self.limit:g} seconds")
        except Exception as error:
            log.error("dispatch.gateway_failed", dispatch_id=str(attempt.dispatch_id), exc_info=error)
            return Outcome("unknown", f"{type(error).__name__} on its way out")

    def _prepare(self, attempt: Attempt) -> Callable[[], Awaitable[Outcome]]:
        message = attempt.message
        if message.channel == "email":
            link = f"{self.public_url}/v1/unsubscribe/{attempt.unsubscribe_token}"
            raw = build_mime(message, message_id=attempt.message_id, date=attempt.at, unsubscribe=link)
            return partial(self.mailer.send, OutboundMail(on_the_wire(message.from_), on_the_wire(message.to), raw))
        callback = f"{self.public_url}/v1/sms/status?tenant={attempt.tenant}&dispatch={attempt.dispatch_id}"
        sms = OutboundSms(attempt.message_id, message.from_, message.to, message.body, attempt.at, callback)
        return partial(self.sms.send, sms)

    async def _record(self, database: Database, attempt: Attempt, outcome: Outcome, lease_ends: float) -> None:
        """Record the outcome: nobody else knows it.

        While the database is away it is retried until the lease ends. An outcome that the database refuses is recorded
        in plain words, because the state that follows matters more than the answer that led to it.
        """
        pause, collisions = 0.1, 0
        while True:
            try:
                async with database.worker([attempt.tenant]) as work:
                    return await outcomes.record_outcome(work, attempt.tenant, attempt.dispatch_id, outcome)
            except Exception as error:
                collisions += is_collision(error)
                passes = is_outage(error) or (is_collision(error) and collisions < ATTEMPTS)
                if time.monotonic() + pause > lease_ends or (not passes and outcome == outcome.plain):
                    raise
                log.warning("dispatch.outcome_not_recorded", dispatch_id=str(attempt.dispatch_id), exc_info=error)
                if not passes:
                    outcome = outcome.plain
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)


async def expire_leases(database: Database) -> int:
    """Dispatches whose lease ran out in `sending` become `unknown`; they are never sent a second time."""
    async with database.worker() as work:
        rows = await store.lapsed(work)
    for row in rows:
        async with database.worker([row["tenant_id"]]) as work:
            await expired_leases.expire_lease(work, row["tenant_id"], row["dispatch_id"])
    return len(rows)


async def check_exhaustion(database: Database) -> int:
    """Check the leads whose channels may be used up by now."""
    async with database.worker() as work:
        rows = await store.due_for_exhaustion(work)
    for row in rows:
        tenant, lead_id = row["tenant_id"], row["lead_id"]
        try:
            async with database.worker([tenant]) as work:
                await exhaustion.check_lead(work, tenant, lead_id)
        except Exception as error:
            if may_pass_later(error):
                raise
            log.error("exhaustion.lead_failed", tenant=tenant, lead=str(lead_id), exc_info=error)
            async with database.worker([tenant]) as work:
                await store.set_next_check(work, tenant, lead_id, work.now + AGAIN_AFTER)
    return len(rows)

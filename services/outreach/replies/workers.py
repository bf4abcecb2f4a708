"""Workers of replies: one for each IMAP account."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from time import monotonic
from typing import TypeVar
from uuid import UUID, uuid4

import structlog
from imapclient.exceptions import IMAPClientError

from services.outreach.context import Context
from services.outreach.replies.gateways import ImapSession
from services.outreach.replies.gateways.imap import BROKEN, REFUSED_LOGIN, TROUBLE, reason
from services.outreach.replies.store import imap_positions
from services.outreach.replies.use_cases import imap_fetches
from services.outreach.settings import ImapAccount
from shared.db import Database, UnitOfWork
from shared.errors import Conflict
from shared.observability import IMAP_FAILING, IMAP_SKIPPED, WORKER_FAILURES

log = structlog.get_logger()
T = TypeVar("T")

_BATCH = 100
"""Mails of one transaction, at most."""
_BATCH_BYTES = 8 * 1024 * 1024
"""After so many bytes a transaction has no further mail."""
_OUTAGE = 3
"""So many mails that are all refused are the server's trouble and no mail's."""
_MARKED_AT_ONCE = 500


class ImapReader:
    """Reads one account. All that blocks happens in a thread of its own; between two steps the server may be in IDLE.

    It never raises for what the network or the mail server does: the account is tried again after a pause that grows,
    to a minute while the server does not answer, to a quarter of an hour while it refuses the login.
    """

    lease_seconds = 120.0
    """How long another process waits for one that has died."""
    look_seconds = 3.0
    """How long a step waits for the server to announce a mail: a service that stops waits for the step."""
    idle_seconds = 60.0
    """How long IDLE lasts before the folder is looked at anyway: some servers do not announce a mail that arrived just
    before IDLE began, and gateways on the way forget silent connections."""
    pauses = (1.0, 60.0)
    login_pauses = (30.0, 900.0)
    """The first pause and the longest, in seconds."""

    def __init__(self, context: Context, account: ImapAccount) -> None:
        self._context = context
        self.account = account
        self._poll_seconds = context.settings.imap_poll_seconds
        self._me: UUID = uuid4()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"imap-{account.name}")
        self._session: ImapSession | None = None
        self._uidvalidity = 0
        self._ahead: list[int] = []
        """UIDs that were found and not fetched yet."""
        self._failures = 0
        self._not_before = 0.0
        self._look_at = 0.0
        self._renew_at = 0.0

    async def step(self, database: Database) -> int:
        """One round: wait for the server a few seconds, or store one batch of mails; how many mails there were."""
        if monotonic() < self._not_before:
            return 0
        try:
            if not await self._lease(database):
                return 0
            if self._session is None:
                self._session = await self._call(database, lambda: ImapSession.open(self.account))
                self._look_at = 0.0
                log.info("imap.connected", account=self.account.name, tenant=self.account.tenant)
            done = await self._round(database, self._session)
        except Conflict as error:
            log.warning("imap.lost", account=self.account.name, tenant=self.account.tenant, error=error.detail)
            await self._drop()
            self._renew_at = 0.0
            return 0
        except TROUBLE as error:
            await self._fail(error)
            return 0
        except BaseException:
            await self._drop()  # of the database, or a cancelled task: what was fetched is fetched again
            raise
        self._failures = 0
        self._report(failing=False)
        return done

    async def close(self) -> None:
        """End the session, and leave the account to other processes."""
        session, self._session = self._session, None
        try:
            if session is not None:
                await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._thread, session.close), 5)
        except TimeoutError:
            if session is not None:
                session.hang_up()
        finally:
            self._thread.shutdown(wait=False)
        if self._renew_at:
            async with self._work(self._context.service.database) as work:
                await imap_positions.release(work, self.account.tenant, self.account.name, self._me)

    def _work(self, database: Database) -> AbstractAsyncContextManager[UnitOfWork]:
        return database.worker([self.account.tenant])

    async def _lease(self, database: Database) -> bool:
        """Whether this process has the account."""
        if monotonic() < self._renew_at:
            return True
        async with self._work(database) as work:
            held = await imap_positions.lease(
                work, self.account.tenant, self.account.name, self._me, self.lease_seconds
            )
        if held:
            self._renew_at = monotonic() + self.lease_seconds / 3
            return True
        await self._drop()
        self._renew_at = 0.0
        self._not_before = monotonic() + min(5.0, self.lease_seconds / 3)
        self._report(failing=False)  # that is for the process which has it
        return False

    async def _call(self, database: Database, blocking: Callable[[], T]) -> T:
        """Do something in the account's thread; the lease is renewed meanwhile, however long it takes."""
        future = asyncio.get_running_loop().run_in_executor(self._thread, blocking)
        try:
            while True:
                pause = max(0.1, self._renew_at - monotonic())
                if (await asyncio.wait({future}, timeout=pause))[0]:
                    return future.result()
                if not await self._lease(database):
                    raise Conflict("another process reads the account")
        finally:
            future.cancel()

    async def _round(self, database: Database, session: ImapSession) -> int:
        if not self._ahead and not await self._is_due(database, session):
            return 0
        if not self._ahead:
            await self._look(database, session)
        if not self._ahead:
            self._look_at = monotonic() + (self.idle_seconds if session.idles else self._poll_seconds)
            return 0
        uids, validity = self._ahead[:_BATCH], self._uidvalidity
        fetched = await self._call(database, lambda: session.fetch(uids, most_bytes=_BATCH_BYTES))
        if len(fetched) >= _OUTAGE and all(mail.refusal is not None and not mail.broken for mail in fetched):
            raise IMAPClientError(f"the server delivers none of {len(fetched)} mails: {fetched[-1].refusal}")
        async with self._work(database) as work:
            stored = await imap_fetches.store_fetched(work, self.account, self._me, validity, fetched)
            if stored.mails:
                self._context.wake_after(work, "mails")
        self._ahead = self._ahead[len(fetched) :]
        IMAP_SKIPPED.labels("outreach", self.account.name).inc(stored.skipped)
        if fetched[-1].broken:
            raise ConnectionResetError(fetched[-1].refusal)
        await self._mark(database, session, [mail.uid for mail in fetched if mail.raw is not None])
        return len(fetched)

    async def _is_due(self, database: Database, session: ImapSession) -> bool:
        """Whether the folder is to be looked at now; otherwise a server with IDLE is listened to for a while."""
        if monotonic() >= self._look_at:
            return True
        return session.idles and bool(await self._call(database, lambda: session.wait(self.look_seconds)))

    async def _look(self, database: Database, session: ImapSession) -> None:
        """Open the folder anew, and find what is new in it and what is to be tried again."""
        selected = await self._call(database, session.select)
        async with self._work(database) as work:
            position = await imap_fetches.begin(work, self.account, self._me, selected)
            again = [uid for uid, each in position.failing.items() if each.next_at <= work.now]
        self._uidvalidity = selected.uidvalidity
        await self._mark(database, session, position.unmarked)
        new = await self._call(database, lambda: session.uids_after(position.uid, selected.messages))
        # Those that were refused come last, and never hold up the others.
        self._ahead = new + sorted(again)

    async def _mark(self, database: Database, session: ImapSession, uids: list[int]) -> None:
        """Mark mails that are stored. A server that refuses it has been asked once; they are stored all the same."""
        if self.account.after == "keep":
            return
        for begin in range(0, len(uids), _MARKED_AT_ONCE):
            some = uids[begin : begin + _MARKED_AT_ONCE]
            try:
                await self._call(database, lambda some=some: session.mark(some))  # type: ignore[misc]
            except BROKEN:
                raise
            except (IMAPClientError, ValueError) as error:
                log.error(
                    "imap.not_marked",
                    account=self.account.name,
                    tenant=self.account.tenant,
                    mails=len(some),
                    error=reason(error),
                )
            async with self._work(database) as work:
                await imap_fetches.record_marked(work, self.account, self._me, self._uidvalidity, some)

    async def _fail(self, error: Exception) -> None:
        await self._drop()
        refused = isinstance(error, REFUSED_LOGIN)
        first, longest = self.login_pauses if refused else self.pauses
        pause = min(longest, first * 2 ** min(self._failures, 20))
        self._failures += 1
        self._not_before = monotonic() + pause
        self._report(failing=True)
        WORKER_FAILURES.labels("outreach", f"imap-{self.account.name}").inc()
        log.error(
            "imap.login_refused" if refused else "imap.failing",
            account=self.account.name,
            tenant=self.account.tenant,
            seconds=pause,
            failures=self._failures,
            error=reason(error),
        )

    def _report(self, *, failing: bool) -> None:
        IMAP_FAILING.labels("outreach", self.account.name).set(failing)

    async def _drop(self) -> None:
        """Forget the connection and what was found over it."""
        session, self._session, self._ahead = self._session, None, []
        if session is not None:
            session.hang_up()

"""Workers of enrichment: ask the providers that use a network, publish what they answer, refresh and sweep answers."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import structlog

from services.enrichment.providers.chain import NETWORK
from services.enrichment.providers.provider import ProviderFailed
from services.enrichment.providers.tools import Tools
from services.enrichment.store import lookups as lookup_store
from services.enrichment.store import publications
from services.enrichment.use_cases import lookups
from services.enrichment.use_cases.leads import publish_answers
from services.enrichment.use_cases.lookups import Leased, Result, Slots
from shared.db import Database
from shared.store import outbox

log = structlog.get_logger()

_LOOK_AGAIN = 0.25
"""Seconds after which a step ends though nobody has answered, so that what is newly due is asked."""
_TOGETHER = 0.005
"""Seconds for which an answer waits for others, to be stored with them."""
_PAGE = 200


class LookupWorker:
    """Asks up to `slots` questions at the same time. One that hangs takes one slot until its timeout, and no more."""

    def __init__(self, tools: Tools, slots: int, wake_publications: Callable[[], None] = lambda: None) -> None:
        self._tools = tools
        self._slots = slots
        self._wake = wake_publications
        self._asking: dict[asyncio.Task[Result], Leased] = {}

    async def step(self, database: Database) -> int:
        """Ask what is due as far as slots are free, and store what was answered meanwhile; how many of both."""
        leased = await self._lease(database) if len(self._asking) < self._slots else []
        for each in leased:
            self._asking[asyncio.create_task(self._ask(each))] = each
        if not self._asking:
            return 0
        done, _ = await asyncio.wait(self._asking, timeout=_LOOK_AGAIN, return_when=asyncio.FIRST_COMPLETED)
        if done:
            done, _ = await asyncio.wait(self._asking, timeout=_TOGETHER)
        results = [task.result() for task in done]
        for task in done:
            del self._asking[task]
        if results:
            async with database.worker({each.leased.key[0] for each in results}) as work:
                await lookups.record_results(work, results)
            self._wake()
        return len(leased) + len(results) + len(self._asking)

    async def close(self) -> None:
        """Give up what is under way; the leases run out."""
        asking = list(self._asking)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        self._asking.clear()

    async def _lease(self, database: Database) -> list[Leased]:
        under_way = Counter((each.key[0], each.config.name) for each in self._asking.values())
        bulk = sum(each.bulk for each in self._asking.values())
        slots = Slots(
            free=self._slots - len(self._asking),
            free_for_bulk=max(1, self._slots // 2) - bulk,
            for_each_provider=max(1, self._slots // 2),
            under_way=under_way,
        )
        async with database.worker() as work:
            chosen = await lookups.choose_due(work, slots)
        if not chosen:
            return []
        async with database.worker({row["tenant_id"] for row in chosen}) as work:
            return await lookups.lease_due(work, chosen)

    async def _ask(self, leased: Leased) -> Result:
        """The result; whatever a provider does, it comes within the timeout."""
        config, started = leased.config, time.perf_counter()

        def result(outcome: str, **more: object) -> Result:
            return Result(leased, outcome, round((time.perf_counter() - started) * 1_000), **more)  # type: ignore[arg-type]

        try:
            async with asyncio.timeout(config.timeout):
                findings = await NETWORK[config.kind].make(config, self._tools).ask(leased.question)
        except TimeoutError:
            return result("timeout", error=f"there was no answer within {config.timeout:g} seconds", again=True)
        except ProviderFailed as error:
            return result("failed", error=str(error), again=error.again, wait=error.wait)
        except Exception as error:
            log.error("enrichment.provider_defect", kind=config.kind, provider=config.name, exc_info=error)
            return result("failed", error="an error of Leadflow's own; it was logged")
        return result("found" if findings else "nothing", findings=findings)


async def publish_due(database: Database) -> int:
    """Publish a page of leads that are due: those that wait first, then bulk work while the outbox is short."""
    async with database.worker() as work:
        due = await publications.due(work, _PAGE, bulk=False)
        if not due and await outbox.is_short(work):
            due = await publications.due(work, _PAGE, bulk=True)
    if not due:
        return 0
    async with database.worker({tenant for tenant, _ in due}) as work:
        return await publish_answers(work, due)


async def refresh_answers(database: Database) -> int:
    """Ask again, as bulk work, what was answered too long ago."""
    async with database.worker() as work:
        keys = await lookups.refresh_expired(work)
    if keys:
        async with database.worker({key[0] for key in keys}) as work:
            await lookup_store.refresh(work, keys)
    return len(keys)


async def sweep_answers(database: Database) -> int:
    """Delete a page of answers that count no more."""
    async with database.worker() as work:
        keys = await lookups.outdated(work)
    if keys:
        async with database.worker({key[0] for key in keys}) as work:
            await lookup_store.delete(work, keys)
    return len(keys)

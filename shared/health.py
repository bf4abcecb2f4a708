"""How a process is: `/livez` (a new one would not be better), `/readyz` (it can work), `/metrics` (Prometheus)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import orjson
import structlog
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared import schema_revisions
from shared.db import DatabaseError, Transaction
from shared.observability import DEAD_LETTERS, OUTBOX_AGE, OUTBOX_DEPTH, READY
from shared.store import dead_letters, outbox, schema

if TYPE_CHECKING:
    from shared.service import Service

log = structlog.get_logger()

_STALLED_AFTER = 120.0
"""Seconds without progress, while there are records to read, after which a consumer counts as stalled."""

_STUCK_AFTER = 600.0
"""Seconds in one batch after which a consumer counts as stuck: a batch that is halved again and again takes minutes."""

_UNREACHABLE = (DatabaseError, OSError, TimeoutError)


T = TypeVar("T")

Measure = Callable[[Transaction], Awaitable[None]]
"""Reads numbers of a service's own and sets their metrics."""

_RECENT = 1.0
"""Seconds for which an answer is given again: these routes need no token, and must cost little however often asked."""


class Recent(Generic[T]):
    """The result of `ask`, asked again when it is a second old, by one caller for all."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._lock = asyncio.Lock()
        self._answer: tuple[float, T] | None = None

    async def get(self) -> T:
        async with self._lock:
            if self._answer is None or time.monotonic() - self._answer[0] > _RECENT:
                answer = await self._ask()
                self._answer = (time.monotonic(), answer)  # its second begins now, however long it took
            return self._answer[1]


class Health:
    """The checks and metrics of one service's process."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._at_head = False
        self._database_error = ""
        self._said: dict[str, str] = {}
        self.measures: list[Measure] = []
        self._checks = Recent(self.problems)
        self._gauges = Recent(self._measure)
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/livez", self._livez, response_class=Response)
        self.router.add_api_route("/readyz", self._readyz, response_class=Response)
        self.router.add_api_route("/metrics", self._metrics, response_class=Response)

    async def problems(self) -> dict[str, str]:
        """What keeps this process from being ready, by part; empty when it is ready."""
        found: dict[str, str] = {}
        if self._service.waits_for is not None:
            found["process"] = self._service.waits_for
        try:
            if outdated := await self.schema_problem():
                found["schema"] = outdated
        except _UNREACHABLE as error:
            # Anybody may ask this: the server's own sentence is for the log.
            found["database"] = getattr(error, "kind", "") or type(error).__name__
            self._database_error = str(error)[:300]
        # An API goes on without a broker, and with one that takes nothing: what it publishes waits in the outbox.
        if self._service.only != "api":
            if not await self._service.relay.reaches_broker():
                found["broker"] = "the broker does not answer"
            elif "database" not in found and (waited := await self._oldest_event()) > _STALLED_AFTER:
                found["relay"] = f"the oldest event in the outbox has waited for {waited:.0f} s"
        consumer = self._service.consumer
        if consumer is not None:
            if not consumer.assigned:
                found["broker"] = "the consumer group has given no partitions yet"
            elif consumer.fetch_error is not None:
                found["consumer"] = f"reading from Kafka fails: {consumer.fetch_error}"
            elif await consumer.lag() and time.monotonic() - consumer.progress_at > _STALLED_AFTER:
                found["consumer"] = "there are records to read, and none was processed for two minutes"
        return found

    async def schema_problem(self) -> str | None:
        """What is wrong with the database's schema, None when nothing is. It asks the database each time."""
        async with self._service.database.monitor() as work:
            if self._at_head:
                return None
            found = await schema.revision(work)
        self._at_head = schema_revisions.suffices(self._service.name, found)
        if self._at_head:
            return None
        expected = schema_revisions.newest(self._service.name)
        return f"the database is at revision {found}, this code needs {expected}: run `leadflow migrate`"

    async def _oldest_event(self) -> float:
        try:
            async with self._service.database.monitor() as work:
                return (await outbox.backlog(work))[1]
        except _UNREACHABLE:
            return 0.0

    async def defects(self) -> dict[str, str]:
        """What only a new process can mend, by part. Never that database or broker are away: a restart helps nobody."""
        ended = [task.get_name() for task in self._service.tasks if task.done() and not self._service.draining]
        found = dict.fromkeys(ended, "it has ended by itself")
        consumer = self._service.consumer
        if consumer is None or not consumer.assigned or self._service.draining:
            return found
        still = time.monotonic() - consumer.turned_at
        if still > _STUCK_AFTER and not {"database", "broker"} & (await self._checks.get()).keys():
            found["consumer"] = f"it has been in the same batch for {still:.0f} s, though database and broker answer"
        return found

    async def _livez(self) -> Response:
        defects = await self.defects()
        body = {"status": "defective" if defects else "alive", "checks": defects}
        return Response(orjson.dumps(body), 503 if defects else 200, media_type="application/json")

    async def _readyz(self) -> Response:
        # A process that stops is not ready at once: neither what was found before nor what the servers say matters.
        problems = {"process": "it is stopping"} if self._service.draining else await self._checks.get()
        self._say(problems)
        body = {"ready": not problems, "service": self._service.name, "checks": problems}
        return Response(orjson.dumps(body), 503 if problems else 200, media_type="application/json")

    def _say(self, problems: dict[str, str]) -> None:
        """One line in the log when it stops being ready, with the reasons, and when others are added."""
        if problems.keys() - self._said.keys() and not self._service.draining:
            reasons = problems | ({"database": self._database_error} if "database" in problems else {})
            log.warning("service.not_ready", service=self._service.name, only=self._service.only, **reasons)
        self._said = problems

    async def _metrics(self) -> Response:
        await self._gauges.get()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def _measure(self) -> None:
        name, consumer = self._service.name, self._service.consumer
        if consumer is not None and consumer.subscriber.consumer is not None:
            await consumer.lag()
        READY.labels(name, self._service.only or "all").set(not await self._checks.get())
        try:
            async with self._service.database.monitor() as work:
                depth, age = await outbox.backlog(work)
                waiting = await dead_letters.count_waiting(work)
                for measure in self.measures:
                    await measure(work)
        except _UNREACHABLE as error:
            log.warning("metrics.without_database", service=name, error=type(error).__name__)
            return
        OUTBOX_DEPTH.labels(name).set(depth)
        OUTBOX_AGE.labels(name).set(age)
        DEAD_LETTERS.labels(name).set(waiting)

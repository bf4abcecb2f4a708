"""The composition root that every service's `app.py` uses: database, relay, consumer, workers, HTTP, health."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI

from shared.clock import Clock
from shared.db import Database, DatabaseError
from shared.errors import LeadflowError, Transient
from shared.events.base import Event
from shared.events.readers import READS
from shared.health import Health, Measure
from shared.http import dead_letters, problems
from shared.http.admission import Admission, Routes
from shared.http.auth import Verifier
from shared.http.defects import Defects
from shared.http.locations import Locations
from shared.http.openapi import Documentation
from shared.http.tracing import Tracing
from shared.messaging import Consumer, Handle, Refuse, Relay, lag
from shared.names import PARTS, group_of
from shared.observability import configure_tracing
from shared.settings import ServiceSettings
from shared.work import Step, Worker, sweep

log = structlog.get_logger()

_PREFIX = "/v1"

_RENEW_EVERY = 10.0
"""Seconds between two looks at the files with secrets."""


class Service:
    """One service, or with `only` (api, consumers, workers) one part of it; health and metrics are always served."""

    def __init__(
        self, name: str, settings: ServiceSettings, *, only: str | None = None, clock: Clock | None = None
    ) -> None:
        if only is not None and only not in PARTS:
            raise ValueError(f"only is one of {', '.join(PARTS)}")
        self.name = name
        self.settings = settings
        self.only = only
        self.kafka = settings.kafka
        self.database = Database(settings.database, name, clock=clock, pool_size=settings.pool_size)
        self.relay = Relay(self.database, self.kafka)
        self.database.on_outbox = self.relay.wake
        self.group = settings.consumer_group or group_of(name)
        self.consumer: Consumer | None = None
        self._workers: dict[str, Worker] = {}
        self._marked = Routes()
        self._tasks: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()
        self._starting: asyncio.Task[None] | None = None
        self.waits_for: str | None = "it has not started"
        self._stopping: asyncio.Task[None] | None = None
        self._on_start: list[Callable[[], Any]] = []
        self._on_stop: list[Callable[[], Any]] = []
        self.app = FastAPI(
            title=f"Leadflow {name}",
            version="1",
            lifespan=self._lifespan,
            generate_unique_id_function=lambda route: route.name,
            docs_url=None,
            redoc_url=None,
            strict_content_type=False,
            # Such a redirect would name the host and path that this process sees, and not those that a proxy shows.
            redirect_slashes=False,
        )
        self.app.state.service = self
        self.app.state.verifier = Verifier(
            url=settings.oidc_jwks_url,
            issuer=settings.oidc_issuer,
            audience=settings.oidc_audience,
            claims=settings.oidc,
        )
        self.app.state.routes = self._marked
        problems.install(self.app)
        self._documentation = Documentation(self.app, name)
        self.app.add_middleware(Tracing, prefix=_PREFIX)
        self.app.add_middleware(Locations, public_url=settings.public_url)
        # The middleware that is added last runs first.
        self.app.add_middleware(Admission, routes=self._marked, prefix=_PREFIX)
        self.app.add_middleware(Defects)
        self.health = Health(self)
        self.app.include_router(self.health.router)
        self.routes(dead_letters.router)
        self.work("sweeper", sweep, every=300.0)

    def routes(self, *routers: APIRouter) -> None:
        """Mount routers under `/v1`, if this process serves the API."""
        if self.only in (None, "api"):
            for router in routers:
                self._marked.add(router, _PREFIX)
                self._documentation.add(router, _PREFIX)
                self.app.include_router(router, prefix=_PREFIX)

    def streams(self, path: str) -> None:
        """Uploads (POST) to this path (a regular expression) stream their body: no size limit."""
        self._marked.streaming.append((re.compile(path), {"POST"}))

    def consume(
        self,
        handle: Handle,
        *,
        reads: Sequence[type[Event]] = (),
        inbox: bool = True,
        keep_raw: bool = False,
        refuse: Refuse | None = None,
    ) -> None:
        """Read events in batches: the types that shared/events/readers.py names for this service, or `reads`.

        With `inbox=False` the handler's own table ignores repeated events; with `keep_raw` events keep their data as
        JSON. `refuse` answers the publishers of records that became dead letters.
        """
        if self.only in (None, "consumers"):
            self.consumer = Consumer(
                self.database,
                self.kafka,
                reads or READS[self.name],
                handle,
                group=self.group,
                inbox=inbox,
                keep_raw=keep_raw,
                refuse=refuse,
                batch_records=self.settings.batch_records,
                grace_seconds=self.settings.grace_seconds,
            )

    async def has_read(self, until: datetime) -> bool:
        """Whether this service has read all that reached its topics before `until`, in whichever process its consumers
        run. False as well while the broker does not answer."""
        return await lag.has_read(self.kafka, self.group, [event.type for event in READS[self.name]], until)

    def work(self, name: str, step: Step, *, every: float = 1.0) -> None:
        """Run a worker's `step` every `every` seconds, and again at once as long as it returns more than 0."""
        if self.only in (None, "workers"):
            self._workers[name] = Worker(name, step, self.database, every=every)

    def wake(self, name: str) -> None:
        """Run a worker at once, if it runs in this process."""
        if name in self._workers:
            self._workers[name].wake()

    def measure(self, gauge: Measure) -> None:
        """Ask the database for numbers whenever `/metrics` is read, at most once a second."""
        self.health.measures.append(gauge)

    @property
    def tasks(self) -> Sequence[asyncio.Task[None]]:
        """What runs until the service stops: the relay and the workers."""
        return self._tasks

    @property
    def draining(self) -> bool:
        """Whether the service has begun to stop: it answers, but begins nothing new."""
        return self._stopping is not None

    def drain(self) -> None:
        """Begin to stop: not ready any more; the consumer finishes its batch and leaves its group. HTTP is served on,
        and the relay sends what requests still emit."""
        if self._stopping is None:
            log.info("service.draining", service=self.name, only=self.only)
            self._stopping = asyncio.create_task(self._stop_consumer())

    async def _stop_consumer(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        if self.consumer is not None:
            await self.consumer.stop()

    def on_start(self, call: Callable[[], Any]) -> None:
        """An async function to await when the service starts, before its consumer and workers do.

        While the schema is an old one, or it raises an error of the database, the service is alive and not ready, and
        tries again.
        """
        self._on_start.append(call)

    def on_stop(self, call: Callable[[], Any]) -> None:
        """An async function to await when the service has stopped working."""
        self._on_stop.append(call)

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        configure_tracing(self.name, self.settings.otlp_endpoint)
        self._stop, self._stopping = asyncio.Event(), None
        self._tasks = [asyncio.create_task(self.relay.run(self._stop), name=f"{self.name} relay")]
        renewing = asyncio.create_task(self._renew_secrets(), name=f"{self.name} secrets")
        # Most often this takes milliseconds, and whoever asks next finds it done.
        if await self._prepare():
            self._start_workers()
        self._starting = asyncio.create_task(self._start())
        log.info("service.started", service=self.name, only=self.only)
        try:
            yield
        finally:
            self._stop.set()
            renewing.cancel()
            self._stopping = self._stopping or asyncio.create_task(self._stop_consumer())
            await self._stopping
            for worker in self._workers.values():
                worker.wake()
            self.relay.wake()
            _, unfinished = await asyncio.wait(self._tasks, timeout=self.settings.grace_seconds)
            for task in unfinished:
                log.warning("service.cut_short", service=self.name, task=task.get_name())
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for call in self._on_stop:
                await call()
            await self.database.close()
            log.info("service.stopped", service=self.name)

    async def _renew_secrets(self) -> None:
        """Use passwords and certificates for Kafka that have rotated; the database reads its own when it connects."""
        while True:
            await asyncio.sleep(_RENEW_EVERY)
            try:
                consumer = self.consumer.subscriber.consumer if self.consumer is not None else None
                if self.kafka.renew(self.relay.producer, consumer):
                    log.info("service.secrets_renewed", service=self.name)
            except LeadflowError as error:
                log.warning("service.secrets_not_renewed", service=self.name, error=error.detail)

    async def _prepare(self) -> bool:
        """Await what was given to `on_start`. False while the database is away or not migrated yet: on an old schema
        every record would fail, and what a worker has done could not be recorded."""
        try:
            if outdated := await self.health.schema_problem():
                self.waits_for = "the database is not migrated yet"
                log.warning("service.waits_to_start", service=self.name, error=outdated)
                return False
            for call in self._on_start:
                await call()
        except (DatabaseError, OSError, Transient) as error:
            self.waits_for = f"the database has not given what it needs to start: {type(error).__name__}"
            log.warning("service.waits_to_start", service=self.name, error=repr(error)[:300])
            return False
        self.waits_for = None
        return True

    def _start_workers(self) -> None:
        self._tasks += [
            asyncio.create_task(worker.run(self._stop), name=f"{self.name} {worker.name}")
            for worker in self._workers.values()
        ]

    async def _start(self) -> None:
        """What a start has to wait for: the database and its schema, then the broker for the consumer."""
        pause = 0.2
        while self.waits_for is not None:
            await asyncio.sleep(pause)
            pause = min(5.0, pause * 2)
            if await self._prepare():
                self._start_workers()
        if self.consumer is not None:
            await self._start_consumer()

    async def _start_consumer(self) -> None:
        """Start the consumer once the broker allows it."""
        assert self.consumer is not None
        pause = 0.2
        while True:
            try:
                await self.consumer.start()
                return
            except Exception as error:  # noqa: BLE001 - whatever prevents it now may be over later
                log.warning("service.waits_to_consume", service=self.name, seconds=pause, error=repr(error)[:300])
                await self.consumer.stop()
                await asyncio.sleep(pause)
                pause = min(5.0, pause * 2)

"""The composition root that every service's `app.py` uses: database, relay, consumer, workers, HTTP, health."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import orjson
import structlog
from fastapi import APIRouter, FastAPI, Path, Request, Response
from opentelemetry import propagate, trace
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from shared import migrations
from shared.clock import Clock
from shared.db import Database
from shared.errors import Transient
from shared.events.base import Event
from shared.http import Limit, Operator, TenantWork, decode_cursor, encode_cursor, problems
from shared.http.auth import Verifier
from shared.http.limits import BodyLimit
from shared.messaging import Consumer, Handle, Relay
from shared.messaging.dead_letters import list_dead_letters, replay_dead_letter, show_dead_letter
from shared.observability import DEAD_LETTERS, OUTBOX_AGE, OUTBOX_DEPTH, configure_tracing, in_callers_trace, tracer
from shared.settings import ServiceSettings
from shared.work import Step, Worker, sweep

log = structlog.get_logger()

_STALLED_AFTER = 120.0


class Service:
    """One service, or with `only` (api, consumers, workers) one part of it; health and metrics are always served."""

    def __init__(
        self, name: str, settings: ServiceSettings, *, only: str | None = None, clock: Clock | None = None
    ) -> None:
        if only not in (None, "api", "consumers", "workers"):
            raise ValueError("only is one of api, consumers, workers")
        self.name = name
        self.settings = settings
        self.only = only
        self.database = Database(settings.database_url, name, clock=clock, pool_size=settings.pool_size)
        self.relay = Relay(self.database, settings.kafka_bootstrap)
        self.database.on_outbox = self.relay.wake
        self.consumer: Consumer | None = None
        self._workers: dict[str, Worker] = {}
        self._streaming: list[re.Pattern[str]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()
        self._on_start: list[Callable[[], Any]] = []
        self._on_stop: list[Callable[[], Any]] = []
        self._at_head = False
        self.app = FastAPI(
            title=f"Leadflow {name}",
            version="1",
            lifespan=self._lifespan,
            generate_unique_id_function=lambda route: route.name,
            docs_url="/docs",
            redoc_url=None,
            strict_content_type=False,
        )
        self.app.state.service = self
        self.app.state.verifier = Verifier(
            url=settings.oidc_jwks_url, issuer=settings.oidc_issuer, audience=settings.oidc_audience
        )
        problems.install(self.app)
        self.app.add_middleware(BodyLimit, streaming=self._streaming)
        self.app.middleware("http")(_in_trace)
        self._health_routes()
        self.work("sweeper", sweep, every=300.0)

    def routes(self, *routers: APIRouter, prefix: str = "/v1") -> None:
        """Mount routers under `/v1`, unless this process only consumes or works."""
        if self.only in (None, "api"):
            for router in routers:
                self.app.include_router(router, prefix=prefix)

    def streams(self, path: str) -> None:
        """Requests to this path (a regular expression) stream their body: no size limit."""
        self._streaming.append(re.compile(path))

    def consume(
        self, reads: Sequence[type[Event]], handle: Handle, *, inbox: bool = True, keep_raw: bool = False
    ) -> None:
        """Read these event types in batches. With `inbox=False` the handler's own table ignores repetitions."""
        if self.only in (None, "consumers"):
            self.consumer = Consumer(
                self.database,
                self.settings.kafka_bootstrap,
                reads,
                handle,
                group=self.settings.consumer_group or f"leadflow-{self.name}",
                inbox=inbox,
                keep_raw=keep_raw,
                batch_records=self.settings.batch_records,
                grace_seconds=self.settings.grace_seconds,
            )

    def work(self, name: str, step: Step, *, every: float = 1.0) -> None:
        """Run a worker's `step` whenever there is something due."""
        if self.only in (None, "workers"):
            self._workers[name] = Worker(name, step, self.database, every=every)

    def wake(self, name: str) -> None:
        """Let a worker look at once, if it runs in this process."""
        if name in self._workers:
            self._workers[name].wake()

    def on_start(self, call: Callable[[], Any]) -> None:
        """An async function to await when the service starts."""
        self._on_start.append(call)

    def on_stop(self, call: Callable[[], Any]) -> None:
        """An async function to await when the service has stopped working."""
        self._on_stop.append(call)

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        configure_tracing(self.name, self.settings.otlp_endpoint)
        self._stop = asyncio.Event()
        for call in self._on_start:
            await call()
        self._tasks = [asyncio.create_task(self.relay.run(self._stop), name=f"{self.name} relay")]
        self._tasks += [
            asyncio.create_task(worker.run(self._stop), name=f"{self.name} {worker.name}")
            for worker in self._workers.values()
        ]
        starting = asyncio.create_task(self._start_consumer()) if self.consumer else None
        log.info("service.started", service=self.name, only=self.only)
        try:
            yield
        finally:
            self._stop.set()
            if starting is not None:
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
            if self.consumer is not None:
                await self.consumer.stop()
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

    async def _start_consumer(self) -> None:
        """The broker may come later than we do, and so may the migration: on an old schema all records would fail."""
        assert self.consumer is not None
        pause = 0.2
        while True:
            try:
                if wrong := await self._schema():
                    raise Transient(wrong)
                await self.consumer.start()
                return
            except Exception as error:  # noqa: BLE001 - whatever keeps us from consuming may pass
                log.warning("service.waits_to_consume", service=self.name, seconds=pause, error=repr(error)[:300])
                await self.consumer.stop()
                await asyncio.sleep(pause)
                pause = min(5.0, pause * 2)

    async def checks(self) -> dict[str, str]:
        """What keeps this process from being ready; empty when nothing does."""
        wrong: dict[str, str] = {}
        try:
            if late := await self._schema():
                wrong["schema"] = late
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            wrong["database"] = type(error).__name__
        if not await self.relay.reaches_broker():
            wrong["broker"] = "the broker does not answer"
        if self.consumer is not None:
            if not self.consumer.assigned:
                wrong["broker"] = "the consumer group has given no partitions yet"
            elif await self.consumer.lag() and time.monotonic() - self.consumer.progress_at > _STALLED_AFTER:
                wrong["consumer"] = "there is something to read, and nothing was read for two minutes"
        return wrong

    async def _schema(self) -> str | None:
        """What is wrong with the schema, None when it is the one of this code; asks the database each time."""
        async with self.database.worker() as work:
            if self._at_head:
                return None
            expected = migrations.head(self.name)
            row = await work.fetch_one("SELECT version_num FROM alembic_version")
        found = row["version_num"] if row else None
        self._at_head = found == expected
        if self._at_head:
            return None
        return f"the database stands at {found}, this code at {expected}: run `leadflow migrate`"

    async def _gauges(self) -> None:
        if self.consumer is not None and self.consumer.subscriber.consumer is not None:
            await self.consumer.lag()
        async with self.database.worker() as work:
            row = await work.fetch_one(
                """
                SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT 100000) o) AS depth,
                       (SELECT extract(epoch FROM clock_timestamp() - created_at)
                        FROM outbox ORDER BY id LIMIT 1) AS age,
                       (SELECT count(*) FROM (SELECT FROM dead_letter WHERE replayed_at IS NULL LIMIT 100000) d) AS dead
                """
            )
        assert row is not None
        OUTBOX_DEPTH.labels(self.name).set(row["depth"])
        OUTBOX_AGE.labels(self.name).set(float(row["age"] or 0))
        DEAD_LETTERS.labels(self.name).set(row["dead"])

    def _health_routes(self) -> None:
        @self.app.get("/livez", include_in_schema=False)
        async def livez() -> dict[str, str]:
            return {"status": "alive"}

        @self.app.get("/readyz", include_in_schema=False)
        async def readyz() -> Response:
            wrong = await self.checks()
            body = {"ready": not wrong, "service": self.name, "checks": wrong}
            return Response(orjson.dumps(body), 503 if wrong else 200, media_type="application/json")

        @self.app.get("/metrics", include_in_schema=False)
        async def metrics() -> Response:
            try:
                await self._gauges()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("metrics.without_database", service=self.name, error=type(error).__name__)
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        letters = APIRouter(tags=["dead letters"])

        @letters.get("/dead-letters")
        async def list_letters(
            principal: Operator, work: TenantWork, limit: Limit = 50, cursor: str | None = None
        ) -> Any:
            before = decode_cursor(cursor, before=UUID)["before"] if cursor else None
            items = await list_dead_letters(work, before=before, limit=limit)
            last = encode_cursor({"before": str(items[-1]["id"])}) if len(items) == limit else None
            return {"items": items, "next_cursor": last}

        @letters.get("/dead-letters/{id}")
        async def show_letter(id: Annotated[UUID, Path()], principal: Operator, work: TenantWork) -> Any:
            return await show_dead_letter(work, id)

        @letters.post("/dead-letters/{id}/replay", status_code=202)
        async def replay_letter(id: Annotated[UUID, Path()], principal: Operator, work: TenantWork) -> Any:
            await replay_dead_letter(work, self.settings.kafka_bootstrap, id)
            return {"id": id, "replayed": True}

        self.routes(letters)


async def _in_trace(request: Request, call_next: Callable[[Request], Any]) -> Any:
    """A span for each API request; what it emits carries the trace on."""
    if not request.url.path.startswith("/v1"):
        return await call_next(request)
    context = propagate.extract(dict(request.headers))
    in_callers_trace.set(trace.get_current_span(context).get_span_context().is_valid)
    with tracer.start_as_current_span(f"{request.method} {request.url.path}", context=context):
        return await call_next(request)

"""How a process is: `/livez` (the event loop runs), `/readyz` (it can work), `/metrics` (Prometheus)."""

import time
from typing import TYPE_CHECKING

import orjson
import structlog
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from shared import migrations
from shared.observability import DEAD_LETTERS, OUTBOX_AGE, OUTBOX_DEPTH
from shared.store import dead_letters, outbox, schema

if TYPE_CHECKING:
    from shared.service import Service

log = structlog.get_logger()

_STALLED_AFTER = 120.0
"""Seconds without progress, while there are records to read, after which a consumer counts as stalled."""

_UNREACHABLE = (SQLAlchemyError, OSError, TimeoutError)


class Health:
    """The checks and metrics of one service's process."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._at_head = False
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/livez", self._livez)
        self.router.add_api_route("/readyz", self._readyz, response_class=Response)
        self.router.add_api_route("/metrics", self._metrics, response_class=Response)

    async def problems(self) -> dict[str, str]:
        """What keeps this process from being ready, by part; empty when it is ready."""
        found: dict[str, str] = {}
        try:
            if outdated := await self.schema_problem():
                found["schema"] = outdated
        except _UNREACHABLE as error:
            found["database"] = type(error).__name__
        if not await self._service.relay.reaches_broker():
            found["broker"] = "the broker does not answer"
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
        async with self._service.database.worker() as work:
            if self._at_head:
                return None
            expected = migrations.head(self._service.name)
            found = await schema.revision(work)
        self._at_head = found == expected
        if self._at_head:
            return None
        return f"the database is at revision {found}, this code needs {expected}: run `leadflow migrate`"

    async def _livez(self) -> dict[str, str]:
        return {"status": "alive"}

    async def _readyz(self) -> Response:
        problems = await self.problems()
        body = {"ready": not problems, "service": self._service.name, "checks": problems}
        return Response(orjson.dumps(body), 503 if problems else 200, media_type="application/json")

    async def _metrics(self) -> Response:
        try:
            await self._measure()
        except _UNREACHABLE as error:
            log.warning("metrics.without_database", service=self._service.name, error=type(error).__name__)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def _measure(self) -> None:
        name, consumer = self._service.name, self._service.consumer
        if consumer is not None and consumer.subscriber.consumer is not None:
            await consumer.lag()
        async with self._service.database.worker() as work:
            depth, age = await outbox.backlog(work)
            waiting = await dead_letters.count_waiting(work)
        OUTBOX_DEPTH.labels(name).set(depth)
        OUTBOX_AGE.labels(name).set(age)
        DEAD_LETTERS.labels(name).set(waiting)

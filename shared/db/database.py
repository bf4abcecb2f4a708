"""A service's database, through the two roles that its processes use.

Neither role owns anything, and both are under forced row-level security: `leadflow_<service>_app` (HTTP) sees one
tenant; `leadflow_<service>_worker` (consumers, workers) reads all and writes only the tenants of its batch.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from shared.clock import Clock
from shared.db.address import DatabaseAddress
from shared.db.errors import DRIVER_ERRORS, translated
from shared.db.pool import Pool
from shared.db.unit_of_work import UnitOfWork
from shared.names import database_roles


class Database:
    """Opens units of work. `on_outbox` is called after each commit that put events into the outbox."""

    def __init__(
        self, url: str | DatabaseAddress, service: str, *, clock: Clock | None = None, pool_size: int = 5
    ) -> None:
        self.service = service
        self.clock = clock or Clock()
        self.on_outbox: Callable[[], None] = lambda: None
        app, worker = database_roles(service)
        self.app = Pool(url, role=app, size=2 * pool_size, application=f"{service} api")
        self.workers = Pool(url, role=worker, size=2 * pool_size, application=f"{service} worker")
        self.monitoring = Pool(url, role=worker, size=2, application=f"{service} health")

    @asynccontextmanager
    async def tenant(self, tenant: str) -> AsyncIterator[UnitOfWork]:
        """Work for one tenant as the application role; commits at the end of the block."""
        async with self._begin(self.app, "leadflow.tenant", [tenant]) as work:
            yield work

    @asynccontextmanager
    async def worker(self, tenants: Iterable[str] = (), *, lock: int | None = None) -> AsyncIterator[UnitOfWork]:
        """Work of consumers and workers: reads every tenant, writes only those given; commits at the end.

        `lock`: the number of an advisory lock (shared/db/locks.py) that is held until then. The block sees what the
        lock's previous holder committed.
        """
        async with self._begin(self.workers, "leadflow.tenants", sorted(set(tenants)), lock) as work:
            yield work

    @asynccontextmanager
    async def monitor(self) -> AsyncIterator[UnitOfWork]:
        """Reading for health checks and metrics, on a connection that requests and workers do not share."""
        async with self._begin(self.monitoring, "leadflow.tenants", []) as work:
            yield work

    @asynccontextmanager
    async def _begin(
        self, pool: Pool, setting: str, tenants: Sequence[str], lock: int | None = None
    ) -> AsyncIterator[UnitOfWork]:
        first = "SELECT clock_timestamp(), set_config($1, $2, true)"
        parameters: list[Any] = [setting, ",".join(tenants)]
        if lock is not None:
            first, parameters = f"{first}, pg_advisory_xact_lock($3)", [*parameters, lock]
        connection = await pool.take()
        try:
            async with connection.transaction():
                now: datetime = await connection.fetchval(first, *parameters)
                offset = self.clock.offset
                work = UnitOfWork(connection, now + offset, self.service, tenants, offset)
                yield work
                has_events = await work.write_events()
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        finally:
            await pool.give_back(connection)
        if has_events:
            self.on_outbox()
        for call in work.after_commit:
            call()

    async def close(self) -> None:
        """Close all connections."""
        for pool in (self.app, self.workers, self.monitoring):
            await pool.close()

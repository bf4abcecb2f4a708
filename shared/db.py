"""The unit of work: one transaction, one tenant or one batch of tenants, and the events that leave with it.

Two roles that own nothing reach the tables, both under forced row-level security: `leadflow_<service>_app` (HTTP) sees
one tenant; `leadflow_<service>_worker` (consumers, workers) reads all and writes only the tenants of its batch.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, cast

import orjson
from opentelemetry.propagate import inject
from pydantic_core import PydanticSerializationError
from sqlalchemy import RowMapping, TextClause, event, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from shared.clock import Clock
from shared.errors import Invalid
from shared.events.base import Event
from shared.events.envelope import Envelope, Received, headers_of
from shared.ids import digest, uuid7
from shared.observability import in_callers_trace

REPEATED = 0
MAX_EVENT_BYTES = 900_000
"""The largest event that is let out; the broker's limit is 1 MiB with headers."""


AGAIN_AT_ONCE = frozenset({"40001", "40P01", "23505", "55P03"})
"""Serialization failure, deadlock, unique violation, lock not available: the same work may pass at once."""


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE of a database error, '' where it has none."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state if isinstance(state, str) else ""


def is_outage(error: SQLAlchemyError) -> bool:
    """Whether the database is away, or turns us away for now, rather than refusing what was asked."""
    state = sqlstate(error)
    if not isinstance(error, DBAPIError):
        return True
    # Classes 08 connection, 28 authorization, 3D no such database, 53 resources, 57 shutdown, 58 system;
    # 25006: a standby that only reads.
    return (
        error.connection_invalidated
        or state[:2] in {"08", "28", "3D", "53", "57", "58"}
        or state == "25006"
        or (not state and isinstance(error, OperationalError | InterfaceError))
    )


def _dump(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _keep(value: object) -> object:
    return value


def make_engine(url: str, *, role: str | None = None, pool_size: int = 5, application: str = "leadflow") -> AsyncEngine:
    """An asyncpg engine; jsonb goes in as dict or JSON text and comes out as Python values, in text() queries too."""
    settings = {"application_name": application, "idle_in_transaction_session_timeout": "60000"}
    if role:
        settings["role"] = role
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"server_settings": settings, "timeout": 10, "command_timeout": 60},
        json_serializer=_dump,
        json_deserializer=_keep,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _codecs(connection: Any, _: object) -> None:
        for name in ("json", "jsonb"):
            connection.run_async(
                lambda raw, name=name: raw.set_type_codec(
                    name, encoder=_dump, decoder=orjson.loads, schema="pg_catalog", format="text"
                )
            )

    return engine


@lru_cache(maxsize=2_000)
def sql(statement: str) -> TextClause:
    """A cached text statement. Write casts as `CAST(:ids AS uuid[])`: after `:ids` a second colon would confuse it."""
    return text(statement)


def arrays(columns: Mapping[str, str]) -> str:
    """An array parameter for each column (name -> SQL type): what `unnest` makes rows of."""
    return ", ".join(f"CAST(:{name} AS {type}[])" for name, type in columns.items())


def by_column(columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Rows, at least one, as the values of those parameters."""
    return dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))


def _trace_of(tenant: str, lead: str | None, event_id: str) -> str:
    """The trace that an event without a cause belongs to: its caller's, or else the lead's own.

    The lead's own follows from its id, so that its whole way is one trace, though people and timers come in between.
    """
    if in_callers_trace.get():
        carrier: dict[str, str] = {}
        inject(carrier)
        return carrier["traceparent"]
    own = sha256(f"{tenant}/{lead or event_id}".encode()).hexdigest()
    return f"00-{own[:32]}-{sha256(event_id.encode()).hexdigest()[:16]}-01"


class UnitOfWork:
    """One transaction. `now` is business time; `emit` lets an event leave if, and only if, the transaction commits."""

    def __init__(self, connection: AsyncConnection, now: datetime, service: str, tenants: Sequence[str]) -> None:
        self.connection = connection
        self.now = now
        self.tenants = tenants
        self.source = f"urn:leadflow:{service}"
        self.after_commit: list[Callable[[], None]] = []
        """Called once the transaction has committed: to wake a worker for what it stored, for example."""
        self._session: AsyncSession | None = None
        self._leaving: list[tuple[Envelope, bytes]] = []

    @property
    def session(self) -> AsyncSession:
        """An ORM session on the same transaction, flushed with it."""
        if self._session is None:
            self._session = AsyncSession(self.connection, expire_on_commit=False)
        return self._session

    async def fetch(self, statement: str, **parameters: Any) -> Sequence[RowMapping]:
        return (await self.connection.execute(sql(statement), parameters)).mappings().all()

    async def fetch_tuples(self, statement: str, **parameters: Any) -> Sequence[tuple[Any, ...]]:
        """Rows as plain tuples: for the queries that read many."""
        return cast(Sequence[tuple[Any, ...]], (await self.connection.execute(sql(statement), parameters)).all())

    async def fetch_one(self, statement: str, **parameters: Any) -> RowMapping | None:
        return (await self.connection.execute(sql(statement), parameters)).mappings().first()

    async def run(self, statement: str, **parameters: Any) -> int:
        """The number of rows that the statement touched."""
        return (await self.connection.execute(sql(statement), parameters)).rowcount

    def emit(
        self,
        event: Event,
        *,
        tenant: str,
        subject: object,
        time: datetime | None = None,
        cause: Received[Any] | Envelope | None = None,
        event_id: str | None = None,
        repeated: bool = False,
    ) -> Envelope:
        """Store an event for the relay. It is never timed before its cause; its `ce_sequence` is drawn at the flush.

        `repeated`: it says again what was said before, under the same id, and so has no place in the sequence.

        Raises Invalid when the event is larger than 900 KB, or is nothing that a reader takes: then nothing of the
        transaction may commit.
        """
        try:
            value = event.model_dump_json(exclude_unset=True).encode()
        except PydanticSerializationError as error:
            raise Invalid(f"the event {event.type} cannot be written as JSON: {str(error)[:200]}") from None
        if len(value) > MAX_EVENT_BYTES:
            raise Invalid(f"the event {event.type} would have {len(value)} bytes; {MAX_EVENT_BYTES} are the limit")
        if b"\\u0000" in value:
            raise Invalid(f"the event {event.type} would hold a zero character, which no reader takes")
        before = cause.envelope if isinstance(cause, Received) else cause
        time = time or self.now
        id_ = event_id or str(uuid7())
        lead = str(subject) if subject is not None else None
        envelope = Envelope(
            id=id_,
            type=event.type,
            source=self.source,
            time=max(time, before.time) if before else time,
            tenant=tenant,
            subject=lead,
            version=event.major,
            sequence=REPEATED if repeated else None,
            correlation_id=(before.correlation_id or before.id) if before else id_,
            causation_id=before.id if before else None,
            traceparent=(before.traceparent if before else None) or _trace_of(tenant, lead, id_),
        )
        self._leaving.append((envelope, value))
        return envelope

    async def flush(self) -> bool:
        """Write what is pending; True when events leave. The lead's stream row is locked before outbox ids are drawn:
        that keeps a lead's events in order across replicas."""
        if self._session is not None:
            await self._session.flush()
        if not self._leaving:
            return False
        leaving, self._leaving = self._leaving, []
        last = await self._draw([(e.tenant, e.subject) for e, _ in leaving if e.sequence is None and e.subject])
        headers: list[str] = []
        counts = dict(last)
        for envelope, _ in leaving:
            fields = headers_of(envelope)
            if envelope.sequence is None and envelope.subject:
                key = (envelope.tenant, envelope.subject)
                fields["ce_sequence"] = str(counts[key])
                counts[key] += 1
            headers.append(orjson.dumps(fields).decode())
        await self.run(
            """
            INSERT INTO outbox (tenant_id, topic, key, headers, value)
            SELECT tenant_id, topic, key, headers, value
            FROM unnest(CAST(:tenants AS text[]), CAST(:topics AS text[]), CAST(:keys AS text[]),
                        CAST(:headers AS text[]), CAST(:values AS bytea[]))
                 WITH ORDINALITY AS t (tenant_id, topic, key, headers, value, n)
            ORDER BY n
            """,
            tenants=[e.tenant for e, _ in leaving],
            topics=[e.type for e, _ in leaving],
            keys=[e.subject for e, _ in leaving],
            headers=headers,
            values=[value for _, value in leaving],
        )
        return True

    async def _draw(self, streams: Iterable[tuple[str, str | None]]) -> dict[tuple[str, str], int]:
        """The first of the next sequence numbers for each (tenant, lead), rows locked in one order everywhere."""
        counts: dict[tuple[str, str], int] = {}
        for tenant, lead in streams:
            if lead is not None:
                counts[tenant, lead] = counts.get((tenant, lead), 0) + 1
        if not counts:
            return {}
        wanted = sorted(counts)
        rows = await self.fetch_tuples(
            """
            INSERT INTO lead_stream AS s (tenant_id, lead_id, sent)
            SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS text[]), CAST(:counts AS int[]))
            ON CONFLICT (tenant_id, lead_id) DO UPDATE SET sent = s.sent + excluded.sent
            RETURNING tenant_id, lead_id, sent
            """,
            tenants=[tenant for tenant, _ in wanted],
            leads=[lead for _, lead in wanted],
            counts=[counts[key] for key in wanted],
        )
        return {(tenant, lead): sent - counts[tenant, lead] + 1 for tenant, lead, sent in rows}

    async def remember(self, tenant: str, envelope: Envelope) -> None:
        """Put an own event into the own inbox: for what a service emits onto a topic that it also reads."""
        await self.run(
            "INSERT INTO inbox (tenant_id, digest) VALUES (:tenant, :digest) ON CONFLICT DO NOTHING",
            tenant=tenant,
            digest=digest(envelope.source, envelope.id),
        )


class Database:
    """A service's database, through its two roles."""

    def __init__(self, url: str, service: str, *, clock: Clock | None = None, pool_size: int = 5) -> None:
        self.service = service
        self.clock = clock or Clock()
        self.on_outbox: Callable[[], None] = lambda: None
        self.app = make_engine(url, role=f"leadflow_{service}_app", pool_size=pool_size, application=f"{service} api")
        self.workers = make_engine(
            url, role=f"leadflow_{service}_worker", pool_size=pool_size, application=f"{service} worker"
        )

    @asynccontextmanager
    async def tenant(self, tenant: str) -> AsyncIterator[UnitOfWork]:
        """Work for one tenant as the application role; commits at the end of the block."""
        async with self._begin(self.app, "leadflow.tenant", [tenant]) as work:
            yield work

    @asynccontextmanager
    async def worker(self, tenants: Iterable[str] = (), *, lock: int | None = None) -> AsyncIterator[UnitOfWork]:
        """Work of consumers and workers: reads every tenant, writes only those given; commits at the end.

        `lock`: an advisory lock that is held until then. What its last holder committed is seen.
        """
        async with self._begin(self.workers, "leadflow.tenants", sorted(set(tenants)), lock) as work:
            yield work

    @asynccontextmanager
    async def _begin(
        self, engine: AsyncEngine, setting: str, tenants: Sequence[str], lock: int | None = None
    ) -> AsyncIterator[UnitOfWork]:
        said: dict[str, Any] = {"name": setting, "value": ",".join(tenants)}
        first = "SELECT clock_timestamp(), set_config(:name, :value, true)"
        if lock is not None:
            first, said["lock"] = f"{first}, pg_advisory_xact_lock(:lock)", lock
        async with engine.connect() as connection, connection.begin():
            now: datetime = (await connection.execute(sql(first), said)).scalar_one()
            work = UnitOfWork(connection, now + self.clock.offset, self.service, tenants)
            yield work
            leaves = await work.flush()
        if leaves:
            self.on_outbox()
        for call in work.after_commit:
            call()

    async def close(self) -> None:
        await self.app.dispose()
        await self.workers.dispose()

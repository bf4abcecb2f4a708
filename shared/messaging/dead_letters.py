"""Dead letters: records that cannot pass, kept with bytes, headers and the reason, until somebody replays them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.db import Database, UnitOfWork
from shared.errors import Conflict, NotFound, Transient
from shared.ids import uuid7

_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")


@dataclass(frozen=True)
class DeadLetter:
    """One record as it came, with why it did not pass."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    error: str
    recorded_at: datetime

    def header(self, name: str) -> str | None:
        for key, value in self.headers:
            if key.lower() == name and value is not None:
                return value.decode(errors="replace").replace("\0", "")[:1_000]
        return None

    @cached_property
    def _structured(self) -> dict[str, Any]:
        """The attributes of a structured event, as far as it can be read."""
        if not (self.header("content-type") or "").lower().startswith("application/cloudevents+json"):
            return {}
        try:
            body = orjson.loads(self.value or b"")
        except orjson.JSONDecodeError:
            return {}
        return body if isinstance(body, dict) else {}

    def attribute(self, name: str) -> str | None:
        """A CloudEvents attribute, in binary or structured mode."""
        said = self._structured.get(name)
        return said.replace("\0", "")[:1_000] if isinstance(said, str) else self.header(f"ce_{name}")

    @property
    def tenant(self) -> str | None:
        """The tenant that it names, where it names one of the right form; without, only the command shows it."""
        tenant = self.attribute("tenantid")
        return tenant if tenant and _TENANT.match(tenant) else None

    @property
    def subject(self) -> str | None:
        """The lead that it names: as ids are written here, so that erasure finds it; cut where it is no id."""
        subject = self.attribute("subject")
        try:
            return str(UUID(subject)) if subject else None
        except ValueError:
            return subject[:100] if subject else None


async def store_dead_letters(database: Database, letters: Sequence[DeadLetter]) -> None:
    """Keep them; the same (topic, partition, offset) twice is kept once. Never those of an erased lead."""
    async with database.worker(letter.tenant or "" for letter in letters) as work:
        for letter in letters:
            await work.run(
                """
                INSERT INTO dead_letter
                    (id, tenant_id, topic, kafka_partition, kafka_offset, key, value, headers, event_id, subject,
                     error, at)
                SELECT :id, :tenant, :topic, :partition, :offset, :key, :value, :headers, :event_id, :subject, :error,
                       clock_timestamp()
                WHERE NOT EXISTS (
                    SELECT FROM erased WHERE tenant_id = :tenant AND CAST(lead_id AS text) = CAST(:subject AS text))
                ON CONFLICT (topic, kafka_partition, kafka_offset) DO UPDATE
                SET error = excluded.error, replayed_at = NULL
                """,
                id=uuid7(),
                tenant=letter.tenant or "",
                topic=letter.topic,
                partition=letter.partition,
                offset=letter.offset,
                key=letter.key,
                value=letter.value,
                headers=[
                    [name.replace("\0", ""), value.hex() if value is not None else None]
                    for name, value in letter.headers
                ],
                event_id=letter.attribute("id"),
                subject=letter.subject,
                error=letter.error[:4_000],
            )


async def list_dead_letters(
    work: UnitOfWork, *, before: UUID | None = None, limit: int = 50, with_replayed: bool = False
) -> list[dict[str, Any]]:
    """The newest first: `id topic event_id error at`. In a tenant's unit of work, only that tenant's."""
    rows = await work.fetch(
        """
        SELECT id, tenant_id, topic, event_id, error, at, replayed_at FROM dead_letter
        WHERE (CAST(:before AS uuid) IS NULL OR id < :before) AND (:with_replayed OR replayed_at IS NULL)
        ORDER BY id DESC LIMIT :limit
        """,
        before=before,
        limit=limit,
        with_replayed=with_replayed,
    )
    return [dict(row) for row in rows]


async def show_dead_letter(work: UnitOfWork, id: UUID) -> dict[str, Any]:
    """All of one: value as text (undecodable bytes replaced), headers, place in Kafka. NotFound if there is none."""
    row = await work.fetch_one("SELECT * FROM dead_letter WHERE id = :id", id=id)
    if row is None:
        raise NotFound(f"there is no dead letter {id}")
    letter = dict(row)
    letter["value"] = row["value"].decode(errors="replace") if row["value"] is not None else None
    letter["key"] = row["key"].decode(errors="replace") if row["key"] is not None else None
    letter["headers"] = {
        name: bytes.fromhex(value).decode(errors="replace") if value is not None else None
        for name, value in row["headers"]
    }
    return letter


async def replay_dead_letter(work: UnitOfWork, bootstrap: str, id: UUID) -> None:
    """Publish it again, byte for byte, with its own event id, and mark it. What passed before ignores it.

    Raises NotFound; Conflict when it has neither key nor value; Transient while the broker is away.
    """
    row = await work.fetch_one("SELECT * FROM dead_letter WHERE id = :id FOR UPDATE", id=id)
    if row is None:
        raise NotFound(f"there is no dead letter {id}")
    if row["key"] is None and row["value"] is None:
        raise Conflict("a record without key and value cannot be published again")
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_request_size=1_100_000
    )
    try:
        await producer.start()
        await producer.send_and_wait(
            row["topic"],
            key=row["key"],
            value=row["value"],
            headers=[(name, bytes.fromhex(value) if value is not None else None) for name, value in row["headers"]],
        )
    except KafkaError as error:
        raise Transient(f"the broker does not take it now: {type(error).__name__}") from error
    finally:
        await producer.stop()
    await work.run("UPDATE dead_letter SET replayed_at = clock_timestamp() WHERE id = :id", id=id)

"""Dead letters: records that could not be processed, stored with bytes, headers and the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson

from shared.db.statements import by_column, rows_of
from shared.db.transaction import Transaction
from shared.errors import NotFound
from shared.events.envelope import short
from shared.ids import uuid7
from shared.limits import MAX_ATTRIBUTE_BYTES
from shared.names import is_tenant
from shared.strict_json import has_half_pair


@dataclass(frozen=True)
class DeadLetter:
    """One record as it was received, and why it could not be processed."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    error: str
    errors: Sequence[dict[str, Any]] = ()
    """What is wrong, by field, for an answer to its publisher; it is not stored."""

    def header(self, name: str) -> str | None:
        """A header as text, as far as it can be read; None where there is none."""
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
        text = self._structured.get(name)
        return text.replace("\0", "")[:1_000] if isinstance(text, str) else self.header(f"ce_{name}")

    @property
    def identity(self) -> tuple[str, str, str] | None:
        """(tenant, source, id) by which its publisher knows it; None where the tenant or the id cannot be read.

        Only what is read exactly counts: an answer under another id would reach nobody.
        """
        tenant, id, source = (self._exact(name) for name in ("tenantid", "id", "source"))
        if not tenant or not is_tenant(tenant) or not id or len(id.encode()) > MAX_ATTRIBUTE_BYTES:
            return None
        return tenant, source if source and len(source.encode()) <= MAX_ATTRIBUTE_BYTES else "", id

    def _exact(self, name: str) -> str | None:
        text = self._structured.get(name)
        if not isinstance(text, str):
            found = [value for key, value in self.headers if key.lower() == f"ce_{name}" and value is not None]
            try:
                text = found[-1].decode() if found else None
            except UnicodeDecodeError:
                return None
        return text if text is None or _is_storable(text) else None

    @property
    def tenant(self) -> str | None:
        """The tenant that the record names in the right form; None means that only the command line shows it."""
        tenant = self.attribute("tenantid")
        return tenant if tenant and is_tenant(tenant) else None

    @property
    def correlation(self) -> str | None:
        """The correlation id, for the events that this record causes; None unless it can be passed on."""
        return short(self._exact("correlationid"))

    @property
    def subject(self) -> str | None:
        """The lead that the record names, written as our ids are so that erasure finds it; shortened if no id."""
        subject = self.attribute("subject")
        try:
            return str(UUID(subject)) if subject else None
        except ValueError:
            return subject[:100] if subject else None


def _is_storable(text: str) -> bool:
    """Whether a database can store it: no zero character, no half of a surrogate pair."""
    return "\0" not in text and not has_half_pair(text)


_COLUMNS = {
    "id": "uuid",
    "tenant_id": "text",
    "topic": "text",
    "kafka_partition": "int",
    "kafka_offset": "bigint",
    "key": "bytea",
    "value": "bytea",
    "headers": "text",
    "event_id": "text",
    "source": "text",
    "subject": "text",
    "error": "text",
}
_ROWS = rows_of(_COLUMNS)
_ADD = f"""
    INSERT INTO dead_letter ({", ".join(_COLUMNS)}, at)
    SELECT {", ".join("CAST(v.headers AS jsonb)" if name == "headers" else f"v.{name}" for name in _COLUMNS)},
           clock_timestamp()
    FROM {_ROWS}
    WHERE NOT EXISTS (
        SELECT FROM erased e WHERE e.tenant_id = v.tenant_id AND CAST(e.lead_id AS text) = v.subject)
    ON CONFLICT (topic, kafka_partition, kafka_offset) DO UPDATE SET error = excluded.error, replayed_at = NULL
"""


_GIVE_WAY = f"""
    UPDATE dead_letter d SET kafka_offset = NULL
    FROM {_ROWS}
    WHERE (d.topic, d.kafka_partition, d.kafka_offset) = (v.topic, v.kafka_partition, v.kafka_offset)
      AND (d.event_id, d.value) IS DISTINCT FROM (v.event_id, v.value)
"""


_IN_THE_WAY = f"""
    SELECT DISTINCT d.tenant_id FROM dead_letter d
    JOIN {_ROWS}
      ON (d.topic, d.kafka_partition, d.kafka_offset) = (v.topic, v.kafka_partition, v.kafka_offset)
"""


async def owners_of_places(work: Transaction, letters: Sequence[DeadLetter]) -> set[str]:
    """The tenants whose letters have the places (topic, partition, offset) of these: they may be others than theirs."""
    rows = by_column(_COLUMNS, [_row(letter) for letter in letters])
    return {row["tenant_id"] for row in await work.fetch(_IN_THE_WAY, **rows)} if letters else set()


async def add(work: Transaction, letters: Sequence[DeadLetter]) -> None:
    """Store dead letters, except those of an erased lead. The same record, read again, is stored once.

    It is known by topic, partition and offset. Another Kafka cluster counts from 0 again: a letter whose place is taken
    by a different record is of an earlier cluster, and keeps everything but its offset. So the transaction has to name
    the tenants of `owners_of_places` as well.
    """
    once = {(letter.topic, letter.partition, letter.offset): letter for letter in letters}
    if once:
        rows = by_column(_COLUMNS, [_row(letter) for _, letter in sorted(once.items())])
        await work.run(_GIVE_WAY, **rows)
        await work.run(_ADD, **rows)


def _row(letter: DeadLetter) -> tuple[Any, ...]:
    headers = [[name.replace("\0", ""), value.hex() if value is not None else None] for name, value in letter.headers]
    return (
        uuid7(),
        letter.tenant or "",
        letter.topic,
        letter.partition,
        letter.offset,
        letter.key,
        letter.value,
        orjson.dumps(headers).decode(),
        letter.attribute("id"),
        letter.attribute("source"),
        letter.subject,
        # A reason may repeat a name from the record, and with it what no text of a database may hold.
        letter.error.replace("\0", "").encode(errors="replace").decode()[:4_000],
    )


async def page(
    work: Transaction,
    *,
    before: UUID | None = None,
    limit: int = 50,
    with_replayed: bool = False,
    event_id: str | None = None,
    source: str | None = None,
    topic: str | None = None,
) -> list[dict[str, Any]]:
    """Dead letters without their record, the newest first. In a tenant's transaction, only that tenant's."""
    rows = await work.fetch(
        """
        SELECT id, tenant_id, topic, event_id, source, error, at, replayed_at FROM dead_letter
        WHERE (CAST(:before AS uuid) IS NULL OR id < :before) AND (:with_replayed OR replayed_at IS NULL)
          AND (CAST(:event_id AS text) IS NULL OR event_id = :event_id)
          AND (CAST(:source AS text) IS NULL OR source = :source)
          AND (CAST(:topic AS text) IS NULL OR topic = :topic)
        ORDER BY id DESC LIMIT :limit
        """,
        before=before,
        limit=limit,
        with_replayed=with_replayed,
        event_id=event_id,
        source=source,
        topic=topic,
    )
    return [dict(row) for row in rows]


async def show(work: Transaction, id: UUID) -> dict[str, Any]:
    """All of one, with value and key as text (undecodable bytes replaced). Raises NotFound if there is none."""
    letter = await _find(work, id)
    letter["value"] = _readable(letter["value"])
    letter["key"] = _readable(letter["key"])
    letter["headers"] = _shown(letter["headers"])
    return letter


def _shown(headers: Sequence[tuple[str, bytes | None]]) -> dict[str, str | None]:
    """Headers as text. What a name that occurs twice says stands behind each other, as in HTTP."""
    shown: dict[str, str | None] = {}
    for name, value in headers:
        text = _readable(value)
        shown[name] = text if name not in shown else f"{shown[name]}, {text}"
    return shown


async def lock(work: Transaction, id: UUID) -> dict[str, Any]:
    """All of one as bytes, locked until the transaction ends. Raises NotFound if there is none."""
    return await _find(work, id, "FOR UPDATE")


async def _find(work: Transaction, id: UUID, locked: str = "") -> dict[str, Any]:
    row = await work.fetch_one(f"SELECT * FROM dead_letter WHERE id = :id {locked}", id=id)
    if row is None:
        raise NotFound(f"there is no dead letter {id}")
    headers = [(name, bytes.fromhex(value) if value is not None else None) for name, value in row["headers"]]
    return dict(row) | {"headers": headers}


def _readable(value: bytes | None) -> str | None:
    return value.decode(errors="replace") if value is not None else None


async def mark_replayed(work: Transaction, id: UUID) -> None:
    """It was published again, and no longer counts as waiting."""
    await work.run("UPDATE dead_letter SET replayed_at = clock_timestamp() WHERE id = :id", id=id)


async def count_waiting(work: Transaction) -> int:
    """How many were not replayed, counted up to 100,000."""
    row = await work.fetch_one(
        "SELECT count(*) AS waiting FROM (SELECT FROM dead_letter WHERE replayed_at IS NULL LIMIT 100000) d"
    )
    return int(row["waiting"]) if row else 0

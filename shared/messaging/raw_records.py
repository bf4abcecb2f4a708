"""Reads records that the Kafka client cannot read: the way on when a fetch has raised.

The client raises for a whole batch when one record in it is malformed (a header name that is not UTF-8, a broken
length, a checksum that does not match), and offers no way to step over it. Here the bytes are fetched by a request of
our own and read record by record: a record that cannot be read is returned as `Unreadable`, with its bytes and the
reason, and the others are returned as usual.

Source: Apache Kafka, "Message Format", record batch version 2.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition, codec
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.util import calc_crc32c, decode_varint

from shared.limits import MAX_RECORD_BYTES

_HEADER = struct.Struct(">qiibIhiqqqhii")
_PREFIX = struct.Struct(">qi")
"""Base offset, and the length of all that follows."""
_CRC_FROM = 21
"""The checksum covers the batch from its attributes on."""
_LOG_APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x08, 0x10, 0x20
_CODECS = {1: codec.gzip_decode, 2: codec.snappy_decode, 3: codec.lz4_decode, 4: codec.zstd_decode}

FETCH_BYTES = 8 * MAX_RECORD_BYTES
"""How much of a partition is fetched at once."""


@dataclass
class Unreadable(ConsumerRecord[bytes, bytes]):  # type: ignore[misc, unused-ignore]
    """A record that cannot be read, with the reason; `value` has the bytes that belong to it."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class _RawRecord:
    """What is known of one record; `reason` says why it cannot be read."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    reason: str | None = None
    checksum: None = None


class _RawBatch:
    """A record batch of version 2, read record by record."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        (
            self.base_offset, _, _, self.magic, self._crc, self._attributes, self._last_delta, self._first_timestamp,
            self._max_timestamp, self.producer_id, _, _, self._count,
        ) = _HEADER.unpack_from(raw)  # fmt: skip

    @property
    def next_offset(self) -> int:
        return int(self.base_offset + self._last_delta + 1)

    @property
    def is_control_batch(self) -> bool:
        return bool(self._attributes & _CONTROL)

    @property
    def is_transactional(self) -> bool:
        return bool(self._attributes & _TRANSACTIONAL)

    def __iter__(self) -> Iterator[_RawRecord]:
        try:
            content = self._content()
        except Exception as error:  # noqa: BLE001 - whatever a codec raises, the batch cannot be read
            yield self._rest(self._raw, f"the batch cannot be read: {error}"[:500])
            return
        position = 0
        for number in range(self._count):
            try:
                length, start = decode_varint(content, position)
                end = start + length
            except (IndexError, ValueError):
                end = -1
            if not position < end <= len(content):
                yield self._rest(content[position:], "the batch is cut short, or a record's length is wrong")
                return
            yield self._record(content, start, end, self.base_offset + number)
            position = end

    def _content(self) -> bytearray:
        """The records' bytes, decompressed. Raises ValueError when they are not what was sent."""
        if calc_crc32c(self._raw[_CRC_FROM:]) != self._crc:
            raise ValueError("its checksum does not match")
        data, kind = self._raw[_HEADER.size :], self._attributes & 0x07
        if kind and kind not in _CODECS:
            raise ValueError(f"its compression {kind} is unknown")
        return bytearray(_CODECS[kind](data) if kind else data)

    def _record(self, content: bytearray, start: int, end: int, offset: int) -> _RawRecord:
        """The record between these positions; one that has another form is returned as its bytes."""
        try:
            _, at = decode_varint(content, start)  # attributes
            delta, at = decode_varint(content, at)
            number, at = decode_varint(content, at)
            key, at = _bytes(content, at, end)
            value, at = _bytes(content, at, end)
            count, at = decode_varint(content, at)
            headers, reason = [], None
            for _ in range(count):
                name, at = _bytes(content, at, end)
                header, at = _bytes(content, at, end)
                if name is None:
                    raise ValueError("a header without a name")
                try:
                    text = name.decode()
                except UnicodeDecodeError:
                    text = name.decode(errors="backslashreplace")
                    reason = f"the name of a header is not UTF-8: {name[:100]!r}"
                headers.append((text, header))
            if at != end:
                raise ValueError("bytes behind its end")
        except (ValueError, IndexError) as error:
            raw = bytes(content[start:end])
            return _RawRecord(
                offset, self._max_timestamp, 0, None, raw, reason=f"the record is malformed: {error}"[:500]
            )
        appended = bool(self._attributes & _LOG_APPEND_TIME)
        timestamp = self._max_timestamp if appended else self._first_timestamp + delta
        return _RawRecord(self.base_offset + number, timestamp, int(appended), key, value, headers, reason)

    def _rest(self, raw: bytes | bytearray, reason: str) -> _RawRecord:
        """All that is left of the batch as one record, at its last offset, so that reading goes on behind the batch."""
        return _RawRecord(self.next_offset - 1, self._max_timestamp, 0, None, bytes(raw), reason=reason)


def _bytes(content: bytearray, at: int, end: int) -> tuple[bytes | None, int]:
    """A nullable field of bytes, and the position behind it."""
    length, at = decode_varint(content, at)
    if length < 0:
        return None, at
    if at + length > end:
        raise ValueError("a field is longer than the record")
    return bytes(content[at : at + length]), at + length


class _Batches:
    """The batches of one partition in a fetched response; an incomplete one at its end is left for the next fetch."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def has_next(self) -> bool:
        return self._end() is not None

    def next_batch(self) -> Any:
        end = self._end()
        assert end is not None
        raw, self._at = bytes(self._raw[self._at : end]), end
        batch = _RawBatch(raw)
        # The broker itself writes control batches, and the client knows how to read the markers in them.
        return DefaultRecordBatch(raw) if batch.is_control_batch else batch

    def _end(self) -> int | None:
        if len(self._raw) - self._at < _HEADER.size:
            return None
        _, length = _PREFIX.unpack_from(self._raw, self._at)
        end = self._at + _PREFIX.size + int(length)
        return end if self._at < end <= len(self._raw) else None


class _Records(PartitionRecords):  # type: ignore[misc, unused-ignore]
    """The client's own way through transactions and control batches, with records that may be unreadable."""

    def _consumer_record(self, partition: TopicPartition, record: Any) -> ConsumerRecord[bytes, bytes]:
        read: ConsumerRecord[bytes, bytes] = super()._consumer_record(partition, record)
        reason = getattr(record, "reason", None)
        return Unreadable(**vars(read), reason=reason) if reason else read


async def fetch(
    consumer: AIOKafkaConsumer, positions: Mapping[TopicPartition, int], limit: int
) -> dict[TopicPartition, tuple[list[ConsumerRecord[bytes, bytes]], int]]:
    """The records behind these positions, and the position behind them, for each partition that has any.

    At most about `limit` records in all; of a broken batch, what cannot be told apart is one record. Raises KafkaError
    while the broker does not answer.
    """
    client = consumer._client
    by_leader: dict[int, list[TopicPartition]] = {}
    for partition in positions:
        leader = client.cluster.leader_for_partition(partition)
        if leader is not None and leader >= 0:
            by_leader.setdefault(leader, []).append(partition)
    found: dict[TopicPartition, tuple[list[ConsumerRecord[bytes, bytes]], int]] = {}
    for leader, partitions in by_leader.items():
        topics: dict[str, list[tuple[int, int, int]]] = {}
        for partition in partitions:
            topics.setdefault(partition.topic, []).append((partition.partition, positions[partition], FETCH_BYTES))
        request = FetchRequest(100, 1, FETCH_BYTES, READ_COMMITTED, list(topics.items()), rack_id="")
        for partition, raw, aborted in _answers(await client.send(leader, request)):
            records = _Records(
                partition, _Batches(raw), aborted, positions[partition], None, None, False, READ_COMMITTED
            )
            taken = []
            for record in records:
                taken.append(record)
                limit -= 1
                if limit <= 0:
                    break
            if records.next_fetch_offset > positions[partition]:
                found[partition] = (taken, records.next_fetch_offset)
            if limit <= 0:
                return found
    return found


def _answers(response: Any) -> Iterator[tuple[TopicPartition, bytes, Any]]:
    for topic, partitions in response.topics:
        for number, error, _, *rest in partitions:
            if error == 0 and rest[-1]:
                aborted = rest[2] if response.API_VERSION >= 11 else rest[-2]
                yield TopicPartition(topic, number), rest[-1], aborted

"""Record batches as bytes, so that a test can send what no well-behaved client would."""

import asyncio
import struct
from collections.abc import Sequence
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.errors import NotLeaderForPartitionError
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.util import calc_crc32c, encode_varint

CODECS = {0: bytes, 1: gzip_encode, 2: snappy_encode, 3: lz4_encode, 4: zstd_encode}

Header = tuple[bytes, bytes | None]


def _varint(value: int) -> bytes:
    out = bytearray()
    encode_varint(value, out.append)
    return bytes(out)


def _nullable(value: bytes | None) -> bytes:
    return _varint(-1) if value is None else _varint(len(value)) + value


def record(number: int, key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> bytes:
    """One record of a batch, in Kafka's format version 2."""
    content = b"\0" + _varint(0) + _varint(number) + _nullable(key) + _nullable(value) + _varint(len(headers))
    content += b"".join(_varint(len(name)) + name + _nullable(header) for name, header in headers)
    return _varint(len(content)) + content


def batch(records: Sequence[bytes], *, at: int, codec: int = 0) -> bytes:
    """A batch of these records; `at`: milliseconds since the epoch."""
    body = CODECS[codec](b"".join(records))
    rest = struct.pack(">hiqqqhii", codec, len(records) - 1, at, at, -1, -1, -1, len(records)) + body
    return struct.pack(">qiibI", 0, len(rest) + 9, -1, 2, calc_crc32c(rest)) + rest


class Wire:
    """Sends batches to the leader of a partition."""

    def __init__(self, bootstrap: str) -> None:
        self._client = AIOKafkaClient(bootstrap_servers=bootstrap)
        self._topics: set[str] = set()

    async def __aenter__(self) -> "Wire":
        await self._client.bootstrap()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def send(self, topic: str, partition: int, raw: bytes) -> int:
        """The broker's error code, 0 when it has taken the batch. A broker that has just started is asked again."""
        if topic not in self._topics:
            await self._client.add_topic(topic)
            self._topics.add(topic)
        leader = next(iter(self._client.cluster.brokers())).nodeId
        request = ProduceRequest(None, -1, 10_000, [(topic, [(partition, raw)])])
        for _ in range(100):
            answer: Any = await self._client.send(leader, request)
            if (code := int(answer.topics[0][1][0][1])) != NotLeaderForPartitionError.errno:
                break
            await asyncio.sleep(0.1)
        return code

"""Reading back: what was published since a moment, up to now, read once and in no group."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import structlog

from shared.errors import Invalid
from shared.events.base import Event
from shared.events.envelope import Received, decode
from shared.messaging.connection import Kafka
from shared.messaging.processing import recorded_at

log = structlog.get_logger()

_POLL_MS = 500


async def published_since(kafka: Kafka, since: datetime, event: type[Event]) -> AsyncIterator[list[Received[Any]]]:
    """The events of a type that reached the broker since then, page by page; those of one lead in their order.

    A record that cannot be read is left out, and logged.
    """
    reader = kafka.consumer(event.type, isolation_level="read_committed")
    try:
        await reader.start()
        partitions = list(reader.assignment())
        ends = await reader.end_offsets(partitions)
        found = await reader.offsets_for_times(dict.fromkeys(partitions, max(0, int(since.timestamp() * 1_000))))
        for at in partitions:
            reader.seek(at, ends[at] if found[at] is None else found[at].offset)
        while left := [at for at in partitions if await reader.position(at) < ends[at]]:
            page = []
            for at, records in (await reader.getmany(*left, timeout_ms=_POLL_MS)).items():
                for record in records:
                    try:
                        received = decode(
                            record.topic, record.value, record.headers, recorded_at(record), {event.type: event}
                        )
                    except Invalid as error:
                        log.warning("reading_back.left_out", topic=at.topic, offset=record.offset, reason=error.detail)
                    else:
                        page += [received] if record.offset < ends[at] else []
            if page:
                yield page
    finally:
        await reader.stop()

"""How every topic is made: the same number of partitions and the same settings for all of them."""

from collections.abc import Mapping

from shared.limits import MAX_RECORD_BYTES

PARTITIONS = 12
"""Of each topic, where the installation does not say otherwise. Never changed afterwards: the partition of a lead would
change, and with it the order of its events."""

LOCAL_PARTITIONS = 3
"""Of each topic of the local run. A client that reads names every partition each time, so on one machine, where a few
replicas at most share the work, more would only cost."""

RETENTION_MS = 14 * 24 * 3600 * 1000
"""Records are kept for 14 days."""

SETTINGS: Mapping[str, str | int] = {
    "cleanup.policy": "delete",
    "max.message.bytes": MAX_RECORD_BYTES,
    "message.timestamp.type": "LogAppendTime",
    "retention.ms": RETENTION_MS,
}
"""Kafka's topic settings. Keys repeat, so compaction would delete events; the broker's clock dates the records."""

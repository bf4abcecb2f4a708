"""Broker, session and headers: what the three services have in common."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

ACK = {"each": AckPolicy.NACK_ON_ERROR, "first": AckPolicy.ACK_FIRST}[os.environ.get("LEADFLOW_BENCH_ACK", "each")]

broker = KafkaBroker(os.environ["LEADFLOW_KAFKA_BOOTSTRAP"])
app = FastStream(broker)


def subscription(service: str) -> dict[str, Any]:
    """The arguments of every subscriber."""
    return {
        "group_id": os.environ[f"LEADFLOW_{service.upper()}_CONSUMER_GROUP"],
        "auto_offset_reset": "earliest",
        "ack_policy": ACK,
    }


def sessions(service: str) -> Any:
    """The dependency that opens a session for each message."""
    url = os.environ[f"LEADFLOW_{service.upper()}_DATABASE_URL"].replace("postgresql:", "postgresql+asyncpg:")
    engine = create_async_engine(url)

    async def get_session() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            yield session

    return get_session


def headers_for(message: KafkaMessage, type: str, service: str, id: str, lead_id: object) -> dict[str, str]:
    """The CloudEvents headers of an event that a message causes."""
    return {
        "ce_specversion": "1.0",
        "ce_id": id,
        "ce_type": type,
        "ce_source": f"urn:leadflow:{service}",
        "ce_time": datetime.now(UTC).isoformat(),
        "ce_tenantid": message.headers["ce_tenantid"],
        "ce_subject": str(lead_id),
        "ce_causationid": message.headers["ce_id"],
    }

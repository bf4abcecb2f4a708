"""Dead letters on their way: stored when a record cannot be processed, published again when somebody replays them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from shared.db import Database, DatabaseError, UnitOfWork, may_pass_later
from shared.errors import Conflict, Transient
from shared.limits import MAX_RECORD_BYTES
from shared.messaging.connection import Kafka
from shared.store import dead_letters
from shared.store.dead_letters import DeadLetter

_OVERHEAD = 65_536
"""A record that the broker has taken must pass again: it may be of the largest size, and a request is a little more."""

_ANSWERED_WITHIN = 15.0
"""Seconds. Meanwhile the letter is locked, and a connection of the API is in use."""


async def store(database: Database, letters: Sequence[DeadLetter]) -> None:
    """Store dead letters of any tenants in a transaction of their own.

    One that the database refuses is stored without headers and key, so that no record can hold up the others.
    """
    tenants = {letter.tenant or "" for letter in letters}
    try:
        async with database.worker() as work:
            tenants |= await dead_letters.owners_of_places(work, letters)
        async with database.worker(tenants) as work:
            await dead_letters.add(work, letters)
    except DatabaseError as error:
        if may_pass_later(error):
            raise
        if len(letters) > 1:
            for letter in letters:
                await store(database, [letter])
        elif letters[0].headers or letters[0].key is not None:
            reason = f"{letters[0].error} (its headers and key could not be stored: {error.kind})"
            await store(database, [replace(letters[0], headers=(), key=None, error=reason)])
        else:
            raise


async def replay(work: UnitOfWork, kafka: Kafka, id: UUID) -> None:
    """Publish a dead letter again, byte for byte, with its own event id. A service that processed it ignores it.

    Raises NotFound; Conflict when it has neither key nor value, or the broker does not let us write; Transient while
    the broker is away.
    """
    letter = await dead_letters.lock(work, id)
    if letter["key"] is None and letter["value"] is None:
        raise Conflict("a record without key and value cannot be published again")
    producer = kafka.producer(max_request_size=MAX_RECORD_BYTES + _OVERHEAD)
    try:
        async with asyncio.timeout(_ANSWERED_WITHIN):
            await producer.start()
            await producer.send_and_wait(
                letter["topic"], key=letter["key"], value=letter["value"], headers=letter["headers"]
            )
    except TopicAuthorizationFailedError as error:
        raise Conflict(
            f"the broker lets this service only read {letter['topic']}: replay the letter by `leadflow dead-letters "
            "replay`, as a principal that may write there"
        ) from error
    except (KafkaError, TimeoutError) as error:
        raise Transient(f"the broker does not accept it now: {type(error).__name__}") from error
    finally:
        await producer.stop()
    await dead_letters.mark_replayed(work, id)

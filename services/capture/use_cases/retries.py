"""Retries of colliding transactions: the later one is repeated, and finds what the earlier one has committed."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.db import RETRY_AT_ONCE, DatabaseError, UnitOfWork

T = TypeVar("T")

ATTEMPTS = 5


def is_collision(error: BaseException) -> bool:
    """Whether the same work may succeed at once, because another transaction was in its way."""
    return isinstance(error, DatabaseError) and error.sqlstate in RETRY_AT_ONCE


async def retry_in_savepoint(work: UnitOfWork, run: Callable[[], Awaitable[T]]) -> T:
    """The result of `run`, which is retried behind a savepoint. It may emit events only after its last statement."""
    attempt = 1
    while True:
        try:
            async with work.savepoint():
                return await run()
        except DatabaseError as error:
            if not is_collision(error) or attempt == ATTEMPTS:
                raise
            attempt += 1

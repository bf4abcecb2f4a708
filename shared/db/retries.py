"""Retries of colliding transactions: the later one is repeated, and finds what the earlier one has committed."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from shared.db.errors import RETRY_AT_ONCE, DatabaseError
from shared.db.unit_of_work import UnitOfWork

T = TypeVar("T")

ATTEMPTS = 5


def is_collision(error: BaseException) -> bool:
    """Whether the same work may succeed at once, because another transaction was in its way."""
    return isinstance(error, DatabaseError) and error.sqlstate in RETRY_AT_ONCE


async def retry_in_savepoint(work: UnitOfWork, run: Callable[[], Awaitable[T]]) -> T:
    """The result of `run`, which is retried behind a savepoint. It may emit events only after its last statement."""

    async def once() -> T:
        async with work.savepoint():
            return await run()

    return await _retry(once)


async def retry_transaction(
    begin: Callable[[], AbstractAsyncContextManager[UnitOfWork]], run: Callable[[UnitOfWork], Awaitable[T]]
) -> T:
    """The result of `run` in a transaction that `begin` makes, which is retried in a new one.

    For a request whose sender does not repeat it: to "try again" nobody would listen.
    """

    async def once() -> T:
        async with begin() as work:
            return await run(work)

    return await _retry(once)


async def _retry(once: Callable[[], Awaitable[T]]) -> T:
    attempt = 1
    while True:
        try:
            return await once()
        except DatabaseError as error:
            if not is_collision(error) or attempt == ATTEMPTS:
                raise
            attempt += 1

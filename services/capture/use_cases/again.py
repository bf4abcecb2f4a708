"""Two requests about the same new lead at the same time: the second runs again, and finds what the first one made."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from shared.db import RETRY_AT_ONCE, UnitOfWork, sqlstate

T = TypeVar("T")

TRIES = 5


async def again(work: UnitOfWork, run: Callable[[], Awaitable[T]]) -> T:
    """What `run` returns, behind a savepoint. `run` emits events only after its last statement."""
    tries = 0
    while True:
        try:
            async with work.connection.begin_nested():
                return await run()
        except DBAPIError as error:
            tries += 1
            if sqlstate(error) not in RETRY_AT_ONCE or tries == TRIES:
                raise

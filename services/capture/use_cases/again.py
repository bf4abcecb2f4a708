"""Two requests about the same new lead at the same time: the second runs again, and finds what the first one made."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from shared.db import UnitOfWork

T = TypeVar("T")

AT_ONCE = ("23505", "40P01", "40001")
"""Unique violation, deadlock, serialization failure: the same work may pass at once."""
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
            if sqlstate(error) not in AT_ONCE or tries == TRIES:
                raise


def sqlstate(error: Exception) -> str:
    """The database's code for an error; "" where there is none, as when the connection was lost."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")

"""Migrates a service's database to head. It may be repeated at any time, and run by two processes at once."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from deploy.databases import address, create_database, create_login, database_name, schema_revision
from deploy.errors import MigrationError, NotMade, Unreachable, reason
from shared.db import DatabaseAddress
from shared.schema_revisions import suffices

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How long steps are tried again whose server may still be starting, or whose way there may not be open yet."""

    until: float
    """By the clock of time.monotonic()."""
    made_beside: bool = False
    """Whether databases and logins are on their way too."""
    say: Callable[[str], None] = lambda reason: None
    """Gets what is waited for, once for each reason."""

    @classmethod
    def of(cls, seconds: float, **more: Any) -> "Patience":
        return cls(time.monotonic() + seconds, **more)

    async def take(self, step: Callable[[], Awaitable[T]]) -> T:
        """What a step gives, which may be repeated. Raises Unreachable, or NotMade, when the time is over."""
        passing = (Unreachable, NotMade) if self.made_beside else (Unreachable,)
        last = ""
        while True:
            try:
                return await step()
            except passing as error:
                if time.monotonic() >= self.until:
                    raise
                if last != (last := str(error)):
                    self.say(last)
            await asyncio.sleep(0.5)


async def prepare_database(admin_url: str, service: str, password: str | None) -> None:
    """Create a service's database if it is missing, migrate it to head, and create its login, with a password if it
    has one. Raises MigrationError."""
    await create_database(admin_url, service)
    await upgrade(service, address(admin_url, database_name(service)))
    await create_login(admin_url, service, password)


async def upgrade(service: str, url: str | DatabaseAddress) -> None:
    """Run a service's migrations to head. One service at a time, because Alembic keeps state in modules.

    While others work on the tables, a step may not get its lock, or meet them in a deadlock: all is undone and tried
    again for two minutes. Raises MigrationError when the database is away or refuses a step.
    """
    try:
        if suffices(service, await schema_revision(url)):
            return
    except MigrationError as error:
        raise type(error)(f"the database of {service} could not be migrated: {error}") from error
    from sqlalchemy.exc import SQLAlchemyError

    from shared.migrations import upgrade as run  # Alembic takes half a second to import, and more to read each history

    deadline = time.monotonic() + _TRY_FOR
    async with _upgrading:
        while True:
            try:
                await asyncio.to_thread(run, service, url)
                return
            except (OSError, SQLAlchemyError) as error:
                cause = getattr(error, "orig", None) or error
                if getattr(cause, "sqlstate", None) not in _IN_THE_WAY or time.monotonic() > deadline:
                    raise MigrationError(f"the database of {service} could not be migrated: {reason(cause)}") from error
            await asyncio.sleep(random.uniform(0.2, 1.0))


_TRY_FOR = 120.0
"""Seconds."""

_IN_THE_WAY = {"40P01", "55P03"}
"""Deadlock, lock not available: others were at the tables."""

_upgrading = asyncio.Lock()

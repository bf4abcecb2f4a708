"""Work in a service's database, for the commands that need it."""

import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cli.environment import require_database, service_environment
from cli.errors import Refused, refusals

if TYPE_CHECKING:
    from shared.db import Database

_T = TypeVar("_T")


def with_database(service: str, data: Path, act: "Callable[[Database, Mapping[str, str]], Awaitable[_T]]") -> _T:
    """The result of `act(database, the service's LEADFLOW_* settings)`. Raises Refused when the database is away."""
    import asyncio

    environment = service_environment(data, service)
    address = require_database(environment, service)
    os.environ.update(environment)  # what all services share: TLS, and how Kafka is reached

    async def run() -> _T:
        from shared.db import Database

        database = Database(address, service)
        try:
            return await act(database, environment)
        finally:
            await database.close()

    with refusals():
        try:
            return asyncio.run(run())
        except BrokenPipeError:
            raise  # whoever read our output has gone, as `head` does
        except OSError as error:
            raise Refused(f"the database of {service} does not answer: {error}") from error

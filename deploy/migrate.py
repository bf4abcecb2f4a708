"""Migrates a service's database to head. It may be repeated at any time, and run by two processes at once."""

import asyncio

from deploy.databases import address, create_database, create_login, database_name
from deploy.errors import MigrationError
from shared.db import DatabaseAddress


async def prepare_database(admin_url: str, service: str, password: str) -> None:
    """Create a service's database if it is missing, migrate it to head, and create its login. Raises MigrationError."""
    await create_database(admin_url, service)
    await upgrade(service, address(admin_url, database_name(service)))
    await create_login(admin_url, service, password)


async def upgrade(service: str, url: str | DatabaseAddress) -> None:
    """Run a service's migrations to head. One service at a time, because Alembic keeps state in modules.

    Raises MigrationError when the database is away or refuses a step.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from shared.migrations import upgrade as run  # Alembic takes half a second to import

    async with _upgrading:
        try:
            await asyncio.to_thread(run, service, url)
        except (OSError, SQLAlchemyError) as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise MigrationError(f"the database of {service} could not be migrated: {reason}") from error


_upgrading = asyncio.Lock()

"""Runs a service's Alembic migrations."""

import asyncio
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import MetaData, text
from sqlalchemy.engine import Connection

from shared.db import DatabaseAddress, locks
from shared.migrations.engine import make_engine
from shared.schema_revisions import suffices

_LOCK_TIMEOUT = "2s"
"""How long a migration waits for a table. Whoever wants the table after it waits as well, so it gives up soon; the
caller tries again."""

_ROOT = Path(__file__).resolve().parents[2]


def config(service: str, url: str | DatabaseAddress) -> Config:
    """Alembic's configuration for a service, without a file."""
    made = Config()
    made.set_main_option("script_location", str(_ROOT / "services" / service / "migrations"))
    made.set_main_option("path_separator", "os")
    made.attributes["url"] = url
    return made


def run_env(service: str, metadata: MetaData) -> None:
    """The body of a service's `migrations/env.py`: run on the connection, or at the URL, that the caller gave."""
    connection: Connection | None = context.config.attributes.get("connection")
    if connection is not None:
        _run(connection, service, metadata)
        return

    async def connect() -> None:
        engine = make_engine(context.config.attributes["url"], application=f"{service} migrations")
        async with engine.begin() as opened:
            await opened.run_sync(_run, service, metadata)
        await engine.dispose()

    asyncio.run(connect())


def _run(connection: Connection, service: str, metadata: MetaData) -> None:
    # When two processes migrate at once, the second waits and then finds nothing to do.
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": locks.MIGRATIONS})
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    if suffices(service, context.get_context().get_current_revision()):
        return  # another process, or a newer release that was rolled back, has migrated it: nothing is taken away
    with context.begin_transaction():
        context.run_migrations()


def upgrade(service: str, url: str | DatabaseAddress) -> None:
    """Bring a service's database to head, and leave a newer one as it is. Blocking; runs its own event loop."""
    command.upgrade(config(service, url), "head")

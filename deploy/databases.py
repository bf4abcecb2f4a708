"""Names and creates a service's database and login. Each step may be repeated at any time, by two processes at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from deploy.errors import kind_of, reason
from shared.db import DatabaseAddress, locks
from shared.names import database_roles


def database_name(service: str) -> str:
    """The name of a service's database and of its login, which owns nothing."""
    return f"leadflow_{service}"


def address(admin_url: str, database: str, login: str | None = None, password: str | None = None) -> str:
    """The URL of a database on the same server, for `login` if it is given, else for the administrator."""
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    if login is None:
        return urlunsplit(parts._replace(path=f"/{database}"))
    user = quote(login, safe="") + (f":{quote(password, safe='')}" if password else "")
    return urlunsplit(parts._replace(netloc=f"{user}@{host}", path=f"/{database}"))


async def create_database(admin_url: str, service: str) -> None:
    """Create the service's database if it is missing. Raises MigrationError when the server cannot be used."""
    name = database_name(service)
    async with _alone(admin_url, f"the database {name} could not be created") as connection:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            await connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")


async def schema_revision(url: DatabaseAddress | str) -> str | None:
    """The revision of the schema, None before the first migration. Raises MigrationError when it cannot be read."""
    async with _connected(url, "the revision of the schema could not be read") as connection:
        try:
            found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
        except asyncpg.UndefinedTableError:
            return None
        return found


async def create_login(admin_url: str, service: str, password: str | None) -> None:
    """Create the role that the service logs in as: it owns nothing, and may only assume the service's two roles.

    Without a password it gets none, and keeps the one that it has: it comes in by a certificate. Raises MigrationError
    when the server refuses it.
    """
    name = database_name(service)
    failed = f"the login {name} could not be created"
    async with _alone(admin_url, failed), _connected(address(admin_url, name), failed) as connection:
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", name):
            await connection.execute(f"CREATE ROLE {name} LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE")
        if password is not None:
            # A password cannot be a parameter of this statement, so the server itself quotes it.
            change = await connection.fetchval(
                "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", name, password
            )
            await connection.execute(change)
        await connection.execute(f"GRANT {', '.join(database_roles(service))} TO {name}")
        await connection.execute(
            f"REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO {name}"
        )


async def grant_roles(owner: DatabaseAddress, service: str, login: str) -> None:
    """Let a login that exists already assume the service's two roles. Raises MigrationError, with what would help."""
    roles = database_roles(service)
    failed = f"the login {login} may not work as {service}; an administrator grants it {' and '.join(roles)}"
    async with _alone(owner, failed) as connection:
        lacking = await connection.fetch(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY($1) AND NOT pg_has_role($2, oid, 'MEMBER')",
            roles,
            login,
        )
        if lacking:
            granted = ", ".join(sorted(row["rolname"] for row in lacking))
            await connection.execute(
                await connection.fetchval(f"SELECT format('GRANT {granted} TO %I', $1::text)", login)
            )


@asynccontextmanager
async def _alone(url: str | DatabaseAddress, failed: str) -> AsyncIterator[asyncpg.Connection]:
    """As `_connected`, for one process at a time: the server refuses two changes of one role at once."""
    async with _connected(url, failed) as connection:
        await connection.execute(f"SELECT pg_advisory_lock({locks.DATABASES})")
        yield connection


@asynccontextmanager
async def _connected(url: str | DatabaseAddress, failed: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection. Raises MigrationError when there is none, and with `failed` when the server refuses a statement."""
    connection = await _connect(url)
    try:
        yield connection
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise kind_of(type(error), not_made=_NOT_MADE)(f"{failed}: {reason(error)}") from error
    finally:
        await connection.close()


async def _connect(url: str | DatabaseAddress) -> asyncpg.Connection:
    given = DatabaseAddress.of(url)
    try:
        return await given.connect(timeout=10)
    except (OSError, asyncpg.PostgresError) as error:
        where = f" at {given.place}" if given.place else ""
        refused = kind_of(type(error), unreachable=(OSError, asyncpg.CannotConnectNowError), not_made=_NOT_MADE)
        raise refused(f"Postgres{where} cannot be used: {reason(error)}") from error


_NOT_MADE = (
    asyncpg.InvalidCatalogNameError,  # no such database
    asyncpg.InvalidAuthorizationSpecificationError,  # no such login; its subclass: not with this password
    asyncpg.UndefinedObjectError,  # no such role in a GRANT
)

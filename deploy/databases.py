"""Names and creates a service's database and login. Each step may be repeated at any time."""

from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from deploy.errors import MigrationError
from shared.db import DatabaseAddress


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
    connection = await _connect(admin_url)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            await connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
    except asyncpg.DuplicateDatabaseError:
        pass
    finally:
        await connection.close()


async def schema_revision(url: DatabaseAddress | str) -> str | None:
    """The revision of the schema, None before the first migration. Raises MigrationError without a connection."""
    connection = await _connect(url)
    try:
        found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
        return found
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()


async def create_login(admin_url: str, service: str, password: str) -> None:
    """Create the role that the service logs in as: it owns nothing, and may only assume the service's two roles."""
    name = database_name(service)
    connection = await _connect(address(admin_url, name))
    try:
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", name):
            await connection.execute(f"CREATE ROLE {name} LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE")
        # A password cannot be a parameter of this statement, so the server itself quotes it.
        change = await connection.fetchval(
            "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", name, password
        )
        await connection.execute(change)
        await connection.execute(f"GRANT {name}_app, {name}_worker TO {name}")
        await connection.execute(
            f"REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO {name}"
        )
    finally:
        await connection.close()


async def grant_roles(owner: DatabaseAddress, service: str, login: str) -> None:
    """Let a login that exists already assume the service's two roles. Raises MigrationError, with what would help."""
    name = database_name(service)
    connection = await _connect(owner)
    try:
        lacking = await connection.fetch(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY($1) AND NOT pg_has_role($2, oid, 'MEMBER')",
            [f"{name}_app", f"{name}_worker"],
            login,
        )
        if lacking:
            roles = ", ".join(sorted(row["rolname"] for row in lacking))
            await connection.execute(
                await connection.fetchval(f"SELECT format('GRANT {roles} TO %I', $1::text)", login)
            )
    except asyncpg.PostgresError as error:
        raise MigrationError(
            f"the login {login} may not work as {service}: {error}; an administrator grants it {name}_app and "
            f"{name}_worker"
        ) from error
    finally:
        await connection.close()


async def _connect(url: str | DatabaseAddress) -> asyncpg.Connection:
    try:
        return await DatabaseAddress.of(url).connect(timeout=10)
    except (OSError, asyncpg.PostgresError) as error:
        where = urlsplit(url if isinstance(url, str) else url.resolve())
        raise MigrationError(f"Postgres at {where.hostname}:{where.port or 5432} cannot be used: {error}") from error

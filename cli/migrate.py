"""`leadflow migrate`."""

import asyncio
import os
from typing import Annotated

import typer

from cli.options import DEFAULT_DATA, Data, Refused


def migrate(
    service: Annotated[str | None, typer.Argument(help="One service; all of them without.")] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Bring databases to head, then create the topics that are missing.

    A service's database is LEADFLOW_<SERVICE>_MIGRATION_DATABASE_URL, as its owner. Where that is not set, the
    administrator's address (LEADFLOW_POSTGRES_URL, or that of `leadflow up`) serves to create database and login too.
    """
    from deploy.errors import MigrationError
    from deploy.local.run import NoRun, Run
    from shared.names import SERVICES

    if service is not None and service not in SERVICES:
        raise Refused(f"there is no service {service!r}; there are {', '.join(SERVICES)}")
    try:
        run = Run.load_running(data)
        admin, kafka = run.postgres.url, run.kafka.bootstrap
    except NoRun:
        admin = kafka = ""
    admin = os.environ.get("LEADFLOW_POSTGRES_URL", admin)
    kafka = os.environ.get("LEADFLOW_KAFKA_BOOTSTRAP", kafka)
    try:
        asyncio.run(_migrate([service] if service else list(SERVICES), admin, kafka, data))
    except MigrationError as error:
        raise Refused(str(error)) from error


async def _migrate(services: list[str], admin: str, kafka: str, data: os.PathLike[str]) -> None:
    from pathlib import Path

    from deploy.databases import address, create_database, create_login, database_name
    from deploy.local.identity import Identity
    from deploy.migrate import upgrade
    from deploy.topics import create_topics

    for name in services:
        own = os.environ.get(f"LEADFLOW_{name.upper()}_MIGRATION_DATABASE_URL")
        if own:
            await upgrade(name, own)
        elif admin:
            login = database_name(name)
            await create_database(admin, name)
            await upgrade(name, address(admin, login))
            await create_login(admin, name, Identity(Path(data)).database_password(login))
        else:
            raise Refused(
                f"no database is known for {name}: start `leadflow up`, or set "
                f"LEADFLOW_{name.upper()}_MIGRATION_DATABASE_URL"
            )
        typer.echo(f"{name}: at head")
    if kafka:
        made = await create_topics(kafka)
        typer.echo(f"topics: {len(made)} created" if made else "topics: all there")
    else:
        typer.echo("topics: left alone, LEADFLOW_KAFKA_BOOTSTRAP is not set")

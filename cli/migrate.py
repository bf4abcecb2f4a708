"""`leadflow migrate`."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from cli.environment import require_service
from cli.errors import Refused
from cli.options import DEFAULT_DATA, Data
from cli.wording import counted


def migrate(
    service: Annotated[str | None, typer.Argument(help="One service; by default all.")] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Migrate databases to head, then create missing topics.

    LEADFLOW_<SERVICE>_MIGRATION_DATABASE_URL is a service's database with its owner as user. Where it is not set, the
    administrator's address (LEADFLOW_POSTGRES_URL, else that of `leadflow up`) is used to create database and login.
    """
    from deploy.errors import MigrationError
    from deploy.local.run_record import NotRunning, RunRecord
    from shared.names import SERVICES

    if service is not None:
        require_service(service)
    try:
        record = RunRecord.load_running(data)
        admin, kafka = record.postgres.url, record.kafka.bootstrap
    except NotRunning:
        admin = kafka = ""
    admin = os.environ.get("LEADFLOW_POSTGRES_URL", admin)
    kafka = os.environ.get("LEADFLOW_KAFKA_BOOTSTRAP", kafka)
    try:
        asyncio.run(_migrate([service] if service else list(SERVICES), admin, kafka, data))
    except MigrationError as error:
        raise Refused(str(error)) from error


async def _migrate(services: list[str], admin: str, kafka: str, data: Path) -> None:
    from deploy.databases import database_name
    from deploy.local.identity import Identity
    from deploy.migrate import prepare_database, upgrade
    from deploy.topics import create_topics

    for name in services:
        variable = f"LEADFLOW_{name.upper()}_MIGRATION_DATABASE_URL"
        if owner_url := os.environ.get(variable):
            await upgrade(name, owner_url)
        elif admin:
            await prepare_database(admin, name, Identity(data).database_password(database_name(name)))
        else:
            raise Refused(f"the address of {name}'s database is unknown; start `leadflow up`, or set {variable}")
        typer.echo(f"{name}: The database is at head.")
    if kafka:
        created = await create_topics(kafka)
        typer.echo(f"Kafka: Created {counted(len(created), 'topic')}." if created else "Kafka: All topics exist.")
    else:
        typer.echo("Kafka: No topics were created, because LEADFLOW_KAFKA_BOOTSTRAP is not set.")

"""`leadflow migrate`."""

import json
import os
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit

import typer

from cli.environment import database_address, require_service, setting
from cli.errors import Refused, refusals
from cli.options import DEFAULT_DATA, AsJson, Data
from cli.wording import counted

if TYPE_CHECKING:
    from deploy.migrate import Patience


def migrate(
    service: Annotated[str | None, typer.Argument(help="One service; by default all.")] = None,
    databases: Annotated[bool, typer.Option("--databases/--no-databases", help="Migrate the databases.")] = True,
    topics: Annotated[bool, typer.Option("--topics/--no-topics", help="Create missing topics.")] = True,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait for servers that refuse connections.")
    ] = 0.0,
    made_beside: Annotated[
        bool,
        typer.Option(
            "--made-beside",
            help="Wait as well for databases and logins that are not there yet, because something else, an operator "
            "for example, is making them.",
        ),
    ] = False,
    print_acls: Annotated[
        bool, typer.Option("--print-acls", help="Change nothing; print who may do what at the broker.")
    ] = False,
    as_json: AsJson = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Migrate databases to head, then create missing topics.

    LEADFLOW_<SERVICE>_MIGRATION_DATABASE_URL is a service's database with its owner as user. Where it is not set, the
    administrator's address (LEADFLOW_POSTGRES_URL, else that of `leadflow up`) is used to create database and login.
    Both may be in a file: LEADFLOW_POSTGRES_URL_FILE. A service's login and password are those of
    LEADFLOW_<SERVICE>_DATABASE_URL.
    """
    import asyncio

    from deploy.local.run_record import NotRunning, RunRecord
    from deploy.migrate import Patience
    from shared.names import SERVICES

    if print_acls:
        _print_acls(as_json)
        return
    if service is not None:
        require_service(service)
    try:
        record = RunRecord.load_running(data)
        admin = record.postgres.url
        os.environ.setdefault("LEADFLOW_KAFKA_BOOTSTRAP", record.kafka.bootstrap)
    except NotRunning:
        admin = ""
    with refusals():
        admin = setting("LEADFLOW_POSTGRES_URL") or admin
        patience = Patience.of(wait, made_beside=made_beside, say=_say)
        if databases:
            asyncio.run(_migrate([service] if service else list(SERVICES), admin, data, patience))
        if topics:
            asyncio.run(_create_topics(patience))


def _say(reason: str) -> None:
    typer.echo(f"leadflow: waiting, because {reason}", err=True)


def _print_acls(as_json: bool) -> None:
    from shared.events.acls import acls, commands, principal_name

    rights = acls()
    if as_json:
        for acl in rights:
            typer.echo(json.dumps(asdict(acl) | {"principal": principal_name(acl.principal)}))
    else:
        typer.echo("\n".join(commands(rights)))


async def _migrate(services: list[str], admin: str, data: Path, patience: "Patience") -> None:
    from deploy.databases import database_name, grant_roles
    from deploy.local.identity import Identity
    from deploy.migrate import prepare_database, upgrade

    for name in services:
        own = database_address(os.environ, name)
        login = urlsplit(own.resolve()) if own is not None else None
        if owner := database_address(os.environ, name, "MIGRATION_DATABASE"):
            await patience.take(partial(upgrade, name, owner))
            if login is not None and login.username:
                await patience.take(partial(grant_roles, owner, name, unquote(login.username)))
        elif admin:
            if login is None:  # of a local run, whose folder has the passwords
                password: str | None = Identity(data).database_password(database_name(name))
            else:
                password = unquote(login.password) if login.password else None
            await patience.take(partial(prepare_database, admin, name, password))
        else:
            variable = f"LEADFLOW_{name.upper()}_MIGRATION_DATABASE_URL"
            raise Refused(f"the address of {name}'s database is unknown; start `leadflow up`, or set {variable}")
        typer.echo(f"{name}: The database is at head.")


async def _create_topics(patience: "Patience") -> None:
    from deploy.topics import create_topics
    from shared.events.topics import PARTITIONS
    from shared.messaging.connection import Kafka

    if not setting("LEADFLOW_KAFKA_BOOTSTRAP"):
        typer.echo("Kafka: No topics were created, because LEADFLOW_KAFKA_BOOTSTRAP is not set.")
        return
    partitions = setting("LEADFLOW_KAFKA_PARTITIONS") or str(PARTITIONS)
    if not partitions.isdecimal() or not 1 <= int(partitions) <= 1_000:
        raise Refused("LEADFLOW_KAFKA_PARTITIONS is a whole number from 1 to 1000")
    created = await patience.take(partial(create_topics, Kafka.from_environment(), int(partitions)))
    typer.echo(f"Kafka: Created {counted(len(created), 'topic')}." if created else "Kafka: All topics exist.")

"""`leadflow republish` and `leadflow rewind`: for a service that lost its past, or was restored to it."""

import asyncio
import importlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.options import DEFAULT_DATA, Data, Refused, refusing, service_environment

ServiceName = Annotated[str, typer.Argument(metavar="SERVICE", help="capture, enrichment, scoring, ...")]

_STOP_SECONDS = 30.0


def republish(
    service: ServiceName,
    tenant: Annotated[str, typer.Option("--tenant", help="The tenant whose state is said again.")],
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Only what changed since then: 2026-11-01T00:00:00Z.")
    ],
    types: Annotated[
        list[str] | None,
        typer.Option("--types", help="Event types, separated by commas or repeated; all that the service can without."),
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Send a service's state as events again, under the same ids.

    Who knows them ignores them, a new service builds itself from them. The service itself must be running: it sends.
    """
    from shared.messaging.republish import pages_of
    from shared.messaging.republish import republish as run

    environment = service_environment(data, service)
    url = environment.get(f"LEADFLOW_{service.upper()}_DATABASE_URL")
    if not url:
        raise Refused(f"no database is known for {service}: set LEADFLOW_{service.upper()}_DATABASE_URL, or --data")
    moment = instant(since)

    async def say() -> dict[str, int]:
        from shared.db import Database

        wanted = [name.strip() for part in types or [] for name in part.split(",") if name.strip()]
        database = Database(url, service)
        try:
            return await run(database, wanted or sorted(pages_of(service)), tenant, moment)
        finally:
            await database.close()

    with refusing():
        for name, count in asyncio.run(say()).items():
            typer.echo(f"{name}: {count} events said again")


def rewind(
    service: ServiceName,
    to: Annotated[str, typer.Option("--to", metavar="TIME", help="For example 2026-11-01T00:00:00Z.")],
    data: Data = DEFAULT_DATA,
) -> None:
    """Take a service's consumer group back to a time, after its database was restored; the inbox ignores what is known.

    In the local run the service is stopped meanwhile. Elsewhere stop all its replicas before.
    """
    from shared.messaging.rewind import rewind as run

    moment = instant(to)
    os.environ.update(service_environment(data, service))
    with refusing(), _paused(data, service):
        # Who reads what, in which group, is said in one place: where the service is wired.
        app = importlib.import_module(f"services.{service}.app").create_app(only="consumers")
        consumer = app.state.service.consumer
        if consumer is None:
            raise Refused(f"{service} reads no topics")
        bootstrap = app.state.service.settings.kafka_bootstrap
        again = asyncio.run(run(bootstrap, consumer.group, sorted(consumer.models), moment))
    typer.echo(f"{service}: {again} records are read again, from {moment.isoformat()} on")


@contextmanager
def _paused(data: Path, service: str) -> Iterator[None]:
    """Have the local run stop the service meanwhile; nothing where it does not run."""
    from deploy.local.run import NoRun, Run

    try:
        Run.load_running(data)
    except NoRun:
        yield
        return
    mark = data / "paused" / service
    mark.parent.mkdir(exist_ok=True)
    mark.touch()
    try:
        deadline = time.monotonic() + _STOP_SECONDS
        while Run.load_running(data).services[service].state != "paused":
            if time.monotonic() > deadline:
                raise Refused(f"{service} did not stop within {_STOP_SECONDS:.0f} s")
            time.sleep(0.1)
        yield
    finally:
        mark.unlink(missing_ok=True)


def instant(text: str) -> datetime:
    """An RFC 3339 time, in UTC. Raises Refused for anything else, also for a time without an offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text!r} is no time such as 2026-11-01T00:00:00Z") from None
    if moment.tzinfo is None:
        raise Refused(f"{text!r} has no offset: {text}Z is UTC")
    return moment.astimezone(UTC)

"""`leadflow rewind`, `read-back`, `raise-revisions`, `republish`: for a service that was restored or lost its state."""

import importlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.database import with_database
from cli.environment import service_environment
from cli.errors import Refused, refusals
from cli.options import DEFAULT_DATA, Data, Service
from cli.wording import counted

if TYPE_CHECKING:
    from services.outreach.use_cases.reading_back import ReadBack
    from shared.db import Database

_STOP_SECONDS = 30.0


def republish(
    service: Service,
    tenant: Annotated[str, typer.Option("--tenant", help="The tenant whose state is republished.")],
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Only what changed since then: 2026-11-01T00:00:00Z.")
    ],
    types: Annotated[
        list[str] | None,
        typer.Option("--types", help="Event types, separated by commas or repeated; by default all of the service."),
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Publish a service's state as events again, with the same ids.

    Consumers that know the events ignore them; a new service builds its state from them. The service itself must be
    running, because its relay sends the events.
    """
    from shared.messaging.republish import pages_of
    from shared.messaging.republish import republish as run

    moment = parse_time(since)

    async def put_into_outbox(database: "Database", _: object) -> dict[str, int]:
        chosen = [name.strip() for part in types or [] for name in part.split(",") if name.strip()]
        return await run(database, chosen or sorted(pages_of(service)), tenant, moment)

    for name, count in with_database(service, data, put_into_outbox).items():
        typer.echo(f"Republished {counted(count, 'event')} of type {name}.")


def raise_revisions(service: Service, data: Data = DEFAULT_DATA) -> None:
    """Publish the state of all leads of a service under revisions that no event had before.

    Needed after the service was restored or started empty, once it has caught up: its next events would have the ids
    and revisions of events that were published already, and all who read them would ignore them. The service itself
    must be running, because its relay sends the events. Running the command again changes nothing for those who read.
    """
    from shared.limits import REVISIONS_RAISED
    from shared.messaging.republish import raise_revisions as run

    count = with_database(service, data, lambda database, _: run(database))
    typer.echo(f"Raised the revisions of {counted(count, 'lead')} by {REVISIONS_RAISED:,}, and published their state.")


def rewind(
    service: Service,
    to: Annotated[str, typer.Option("--to", metavar="TIME", help="For example 2026-11-01T00:00:00Z.")],
    data: Data = DEFAULT_DATA,
) -> None:
    """Set a service's consumer group back to a time, after its database was restored.

    The service reads all records since then once more and ignores those that it has processed. In a local run the
    service is stopped meanwhile. Elsewhere stop all its replicas first.
    """
    import asyncio

    from shared.messaging.rewind import rewind as run

    moment = parse_time(to)
    os.environ.update(service_environment(data, service))
    with refusals(), _paused(data, service):
        # The service's own wiring decides which topics it reads, and in which group.
        app = importlib.import_module(f"services.{service}.app").create_app(only="consumers")
        consumer = app.state.service.consumer
        if consumer is None:
            raise Refused(f"{service} reads no topics")
        count = asyncio.run(run(app.state.service.kafka, consumer.group, sorted(consumer.models), moment))
    typer.echo(f"{service} will read {counted(count, 'record')} once more, from {moment.isoformat()} on.")


def read_back(
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="A little before the backup: 2026-11-01T00:00:00Z.")
    ],
    data: Data = DEFAULT_DATA,
) -> None:
    """Let outreach learn from its own events what it has done since the backup from which it was restored.

    Run it after its consumers have caught up, and before its workers start: they would send again what has left since.
    What was sent is recorded as sent, and opt-outs hold again. Whatever else was queued is refused, and all sequences
    are paused: people decide. Running it again finds nothing new.
    """
    moment = parse_time(since)
    found = with_database("outreach", data, lambda database, _: _read_back(database, moment))
    for tenant, result in sorted(found.items()):
        done = [f"{does} {counted(count, what)}" for does, count, what in _results(result) if count]
        if result.paused:
            done.insert(0, f"paused {counted(len(result.paused), 'sequence')} ({', '.join(result.paused)})")
        typer.echo(f"{tenant}: {'; '.join(done) or 'nothing to do'}.")


def _results(result: "ReadBack") -> list[tuple[str, int, str]]:
    return [
        ("recorded as sent", result.sent, "message"),
        ("will not take again", result.steps, "step"),
        ("ended, because such a message was approved or sent,", result.drafts, "draft"),
        ("entered again", result.opted_out, "opt-out"),
        ("ended", result.exited, "enrolment"),
        ("refused, because nobody knows whether it left,", result.refused, "message"),
        ("could not enter, of leads that are not known,", result.unknown, "opt-out"),
    ]


async def _read_back(database: "Database", since: datetime) -> "dict[str, ReadBack]":
    import services.outreach.app  # noqa: F401 - connects the hooks: an opt-out ends drafts
    from services.outreach.context import keys_of
    from services.outreach.reading_back import read_back as run
    from services.outreach.settings import Settings
    from shared.messaging.connection import Kafka
    from shared.names import group_of

    settings = Settings()
    keys = await keys_of(database, settings.secret.get_secret_value())
    group = settings.consumer_group or group_of("outreach")
    return await run(database, keys, Kafka.from_environment(), group, since)


@contextmanager
def _paused(data: Path, service: str) -> Iterator[None]:
    """Let the supervisor of the local run keep the service stopped; does nothing when there is no local run."""
    from deploy.local.data_folder import pause_file
    from deploy.local.run_record import NotRunning, RunRecord

    try:
        RunRecord.load_running(data)
    except NotRunning:
        yield
        return
    file = pause_file(data, service)
    file.parent.mkdir(exist_ok=True)
    file.touch()
    try:
        deadline = time.monotonic() + _STOP_SECONDS
        while RunRecord.load_running(data).services[service].state != "paused":
            if time.monotonic() > deadline:
                raise Refused(f"{service} did not stop within {_STOP_SECONDS:.0f} s; nothing was rewound")
            time.sleep(0.1)
        yield
    finally:
        file.unlink(missing_ok=True)


def parse_time(text: str) -> datetime:
    """An RFC 3339 time, in UTC. Raises Refused for other texts, and for a time without an offset."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise Refused(f"{text!r} has no offset; write {moment.isoformat()}Z for UTC")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused(f"{text!r} is not a time; write it like 2026-11-01T00:00:00Z") from None

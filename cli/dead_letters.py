"""`leadflow dead-letters`: reads a service's database, and so also shows letters that name no tenant."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli.database import with_database
from cli.errors import Refused
from cli.options import DEFAULT_DATA, AsJson, Data, Service

if TYPE_CHECKING:
    from shared.db import Database

app = typer.Typer(
    help="Records that a service could not process, with bytes, headers and the reason.", no_args_is_help=True
)

LetterId = Annotated[str, typer.Argument(metavar="ID", help="The letter's id, as `list` shows it.")]

_PAGE = 200
_LISTED = ("id", "topic", "event_id", "source", "error", "at")


@app.command("list")
def list_letters(
    service: Service,
    replayed: Annotated[bool, typer.Option("--all", help="Also those that were replayed.")] = False,
    event_id: Annotated[str | None, typer.Option(help="Only of the event with this id (its ce_id).")] = None,
    source: Annotated[str | None, typer.Option(help="Only of this publisher (the event's ce_source).")] = None,
    topic: Annotated[str | None, typer.Option(help="Only of this topic.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only so many; by default all.")] = None,
    as_json: AsJson = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """List the letters of a service, the newest first. With --json: one object a line."""
    filters = {"with_replayed": replayed, "event_id": event_id, "source": source, "topic": topic}

    async def print_all(database: "Database", _: object) -> int:
        printed = 0
        async for letter in _letters(database, filters, limit):
            _print(letter, as_json)
            printed += 1
        return printed

    if not with_database(service, data, print_all) and not as_json:
        typer.echo(f"There are no dead letters in {service}.")


@app.command("show")
def show(service: Service, id: LetterId, data: Data = DEFAULT_DATA) -> None:
    """Print one letter as JSON: the record as it was received, and why it could not be processed."""
    from shared.store import dead_letters

    async def fetch(database: "Database", _: object) -> dict[str, Any]:
        async with database.worker() as work:
            return dict(await dead_letters.show(work, _uuid(id)))

    letter = with_database(service, data, fetch)
    typer.echo(json.dumps({key: _json_value(value) for key, value in letter.items()}, indent=2, ensure_ascii=False))


@app.command("replay")
def replay(service: Service, id: LetterId, data: Data = DEFAULT_DATA) -> None:
    """Publish a letter again as it was received, with its own event id. Consumers that know the event ignore it."""
    from shared.messaging import dead_letters as messaging
    from shared.messaging.connection import Kafka
    from shared.store import dead_letters

    async def publish(database: "Database", _: object) -> str:
        async with database.worker() as work:
            letter = await dead_letters.show(work, _uuid(id))
        # The worker role may write only tenants that it names; letters without a tenant have the tenant ''.
        async with database.worker([letter["tenant_id"]]) as work:
            await messaging.replay(work, Kafka.from_environment(), _uuid(id))
        return str(letter["topic"])

    topic = with_database(service, data, publish)
    typer.echo(f"The letter {id} was published again on {topic}.")


async def _letters(
    database: "Database", filters: Mapping[str, Any], limit: int | None
) -> AsyncIterator[dict[str, Any]]:
    """At most `limit` letters, a page in a transaction: there may be more than memory holds, and whoever reads them
    may be slow."""
    from shared.store import dead_letters

    before, left = None, limit
    while left is None or left > 0:
        asked = _PAGE if left is None else min(_PAGE, left)
        async with database.worker() as work:
            page = await dead_letters.page(work, before=before, limit=asked, **filters)
        for letter in page:
            yield letter
        if len(page) < asked:
            return
        before, left = page[-1]["id"], None if left is None else left - asked


def _print(letter: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({key: _json_value(letter[key]) for key in _LISTED}))
        return
    mark = " (replayed)" if letter["replayed_at"] else ""
    typer.echo(f"{letter['id']}  {letter['at']:%Y-%m-%d %H:%M:%S}  {letter['topic']}{mark}")
    typer.echo(f"    event {letter['event_id']} of {letter['source']}\n    {letter['error']}")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused(f"{text!r} is not the id of a dead letter; `leadflow dead-letters list` shows the ids") from None


def _json_value(value: Any) -> Any:
    if isinstance(value, str | int | float | bool | list | dict) or value is None:
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)

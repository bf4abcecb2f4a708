"""`leadflow dead-letters`: straight from the service's database, so that it also sees letters that name no tenant."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from cli.options import DEFAULT_DATA, AsJson, Data, Refused, refusing, service_environment

app = typer.Typer(help="Records that could not pass, with bytes, headers and the reason.", no_args_is_help=True)

ServiceName = Annotated[str, typer.Argument(metavar="SERVICE", help="capture, enrichment, scoring, ...")]
LetterId = Annotated[str, typer.Argument(metavar="ID", help="The letter's id, as `list` shows it.")]

_PAGE = 200
_T = TypeVar("_T")


@app.command("list")
def list_letters(
    service: ServiceName,
    replayed: Annotated[bool, typer.Option("--all", help="Also those that were replayed.")] = False,
    as_json: AsJson = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """List the letters of a service, the newest first. With --json: one object a line."""
    letters = _with_database(service, data, lambda database, _: _all(database, replayed))
    if as_json:
        for letter in letters:
            typer.echo(json.dumps({key: _plain(letter[key]) for key in ("id", "topic", "event_id", "error", "at")}))
        return
    if not letters:
        typer.echo(f"no dead letters in {service}")
    for letter in letters:
        mark = " (replayed)" if letter["replayed_at"] else ""
        typer.echo(f"{letter['id']}  {letter['at']:%Y-%m-%d %H:%M:%S}  {letter['topic']}{mark}\n    {letter['error']}")


@app.command("show")
def show(service: ServiceName, id: LetterId, data: Data = DEFAULT_DATA) -> None:
    """Print one letter as JSON: the record as it came, and why it could not pass."""
    from shared.store import dead_letters

    async def fetch(database: Any, _: str) -> dict[str, Any]:
        async with database.worker() as work:
            return dict(await dead_letters.show(work, _uuid(id)))

    letter = _with_database(service, data, fetch)
    typer.echo(json.dumps({key: _plain(value) for key, value in letter.items()}, indent=2, ensure_ascii=False))


@app.command("replay")
def replay(service: ServiceName, id: LetterId, data: Data = DEFAULT_DATA) -> None:
    """Publish a letter again as it came, with its own event id: what passed before ignores it."""
    from shared.messaging import dead_letters as messaging
    from shared.store import dead_letters

    async def publish(database: Any, bootstrap: str) -> str:
        async with database.worker() as work:
            letter = await dead_letters.show(work, _uuid(id))
        # The worker role writes the tenants that it names; '' is the tenant of letters that name none.
        async with database.worker([letter["tenant_id"]]) as work:
            await messaging.replay(work, bootstrap, _uuid(id))
        return str(letter["topic"])

    typer.echo(f"{id} was published again on {_with_database(service, data, publish)}")


async def _all(database: Any, replayed: bool) -> list[dict[str, Any]]:
    from shared.store import dead_letters

    letters: list[dict[str, Any]] = []
    async with database.worker() as work:
        while True:
            before = letters[-1]["id"] if letters else None
            page = await dead_letters.page(work, before=before, limit=_PAGE, with_replayed=replayed)
            letters += page
            if len(page) < _PAGE:
                return letters


def _with_database(service: str, data: Any, act: Callable[[Any, str], Awaitable[_T]]) -> _T:
    environment = service_environment(data, service)
    url = environment.get(f"LEADFLOW_{service.upper()}_DATABASE_URL")
    if not url:
        raise Refused(f"no database is known for {service}: set LEADFLOW_{service.upper()}_DATABASE_URL, or --data")

    async def run() -> _T:
        async with _database(url, service) as database:
            return await act(database, environment.get("LEADFLOW_KAFKA_BOOTSTRAP", ""))

    with refusing():
        try:
            return asyncio.run(run())
        except OSError as error:
            raise Refused(f"the database of {service} does not answer: {error}") from error


@asynccontextmanager
async def _database(url: str, service: str) -> AsyncIterator[Any]:
    from shared.db import Database

    database = Database(url, service)
    try:
        yield database
    finally:
        await database.close()


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused(f"{text!r} is no id of a dead letter") from None


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | float | bool | list | dict) or value is None:
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)

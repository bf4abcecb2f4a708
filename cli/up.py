"""`leadflow up`."""

import asyncio
import os
import signal
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DEFAULT_DATA, DEMO_TENANT, Data, Refused

if TYPE_CHECKING:
    from rich.console import Console

    from deploy.local.options import Options
    from deploy.local.supervisor import Supervisor


def up(
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Load the demo leads on the first start.")] = True,
    data: Data = DEFAULT_DATA,
    kafka: Annotated[
        str | None,
        typer.Option("--kafka", metavar="URL", envvar="LEADFLOW_KAFKA_BOOTSTRAP", help="An outside Kafka: host:port."),
    ] = None,
    postgres: Annotated[
        str | None,
        typer.Option(
            "--postgres",
            metavar="URL",
            envvar="LEADFLOW_POSTGRES_URL",
            help="An outside Postgres, as one who may create databases and roles: postgresql://user:password@host/postgres.",
        ),
    ] = None,
    port_base: Annotated[
        int,
        typer.Option(
            "--port-base",
            min=1024,
            max=65000,
            help="Moves all ports: console N, capture to goals N+1 to N+6, SMTP N+25, Postgres N+33, Kafka N+92 and "
            "its controller N+93. With 8100, the default, Kafka has 9092 and 9093, Postgres 5433.",
        ),
    ] = 8100,
) -> None:
    """Start Kafka, Postgres, a mailbox and the six services, and keep them running until Ctrl-C.

    Nothing is lost at a stop: the next start on the same data goes on with what was under way.
    """
    from deploy.local.options import Options
    from deploy.local.ports import Ports

    # A bare host:port is what Kafka's clients want; people also write kafka://host:port.
    bootstrap = kafka.removeprefix("kafka://") if kafka else None
    options = Options(data=data, ports=Ports.of(port_base, os.environ), kafka=bootstrap, postgres=postgres)
    asyncio.run(_up(options, demo))


async def _up(options: "Options", demo: bool) -> None:
    from rich.console import Console

    from cli.progress import FetchBar
    from deploy.errors import MigrationError
    from deploy.local.jars import FetchError
    from deploy.local.ports import PortTaken
    from deploy.local.process import StartError
    from deploy.local.supervisor import AlreadyRunning, Supervisor, hold

    console = Console(highlight=False)
    stopped, hurry = asyncio.Event(), asyncio.Event()

    def ask_to_stop() -> None:
        if stopped.is_set():
            hurry.set()
        else:
            console.print("\nstopping; the services finish what is under way (Ctrl-C again cuts that short)")
        stopped.set()

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(signum, ask_to_stop)
    try:
        with hold(options.data), FetchBar(console) as fetching:
            supervisor = Supervisor(options, lambda text: console.print(text, soft_wrap=True), fetching)
            try:
                if await _unless(stopped, supervisor.start()):
                    await _stay(supervisor, options, demo, stopped, console)
            finally:
                await supervisor.stop(hurry)
        console.print("stopped; `leadflow up` goes on with the same data")
    except (AlreadyRunning, FetchError, MigrationError, PortTaken, StartError) as error:
        raise Refused(str(error)) from error


async def _unless(stopped: asyncio.Event, work: Awaitable[None]) -> bool:
    """Await `work`, but give up when `stopped` is set; returns whether it ended by itself."""
    task = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(stopped.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return False
    task.result()
    return True


async def _stay(
    supervisor: "Supervisor", options: "Options", demo: bool, stopped: asyncio.Event, console: "Console"
) -> None:
    """Tell the story the first time, say where everything is, and watch until the end."""
    from cli.demo.board import watch
    from cli.demo.story import Story

    watching = asyncio.create_task(supervisor.watch(stopped))
    _say_ready(supervisor, console)
    story = Story(options.data, console, stopped.is_set)
    board = asyncio.create_task(watch(supervisor.run.kafka.bootstrap, DEMO_TENANT, console)) if demo else None
    try:
        if demo and not story.was_told:
            await asyncio.to_thread(story.tell)
        if not stopped.is_set():
            _say_next(supervisor, options, console)
        await watching
    finally:
        if board is not None:
            board.cancel()
            await asyncio.gather(board, return_exceptions=True)


def _say_ready(supervisor: "Supervisor", console: "Console") -> None:
    run = supervisor.run
    console.print("\nLeadflow is up", style="bold green")
    for name, service in run.services.items():
        console.print(f"  {name:11} {service.url}/docs", soft_wrap=True)
    console.print(f"  {'Kafka':11} {run.kafka.bootstrap}", soft_wrap=True)
    console.print(f"  {'SMTP':11} {run.smtp.host}:{run.smtp.port}, mails in {run.smtp.maildir}", soft_wrap=True)


def _say_next(supervisor: "Supervisor", options: "Options", console: "Console") -> None:
    from cli.demo.story import program
    from cli.status import without_password
    from deploy.local.identity import Identity

    run = supervisor.run
    identity = Identity(options.data, issuer=run.issuer, audience=run.audience)
    console.print(f"\nTokens for the tenant {DEMO_TENANT}, good for a day:", style="bold")
    for role in ("reviewer", "admin", "service"):
        console.print(f"  {role:9} {identity.mint(DEMO_TENANT, [role], 'demo', 24 * 3600)}", soft_wrap=True)
    at = "" if options.data == DEFAULT_DATA else f" --data {options.data}"
    console.print(
        f"\nPostgres is {without_password(run.postgres.url)}, logs are in {options.data / 'logs'}", soft_wrap=True
    )
    console.print("\nTry next, in another terminal:", style="bold")
    token = f"$({program()} token --tenant {DEMO_TENANT} --role viewer{at})"
    console.print(f"  {program()} demo qualify top{at}", soft_wrap=True)
    console.print(f"  {program()} demo drafts{at}", soft_wrap=True)
    console.print(f'  curl -H "Authorization: Bearer {token}" {run.services["stages"].url}/v1/queue', soft_wrap=True)
    console.print("\nCtrl-C stops everything; nothing is lost.", style="bold")

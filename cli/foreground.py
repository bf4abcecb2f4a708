"""A local run in the foreground: started, watched and stopped by `leadflow up`."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence

from rich.console import Console

from cli.command_line import command_line
from cli.errors import Refused
from cli.options import DEMO_TENANT
from cli.progress import DownloadBar
from deploy.errors import MigrationError
from deploy.local.data_folder import AlreadyRunning, lock_data_folder
from deploy.local.identity import Identity
from deploy.local.jars import FetchError
from deploy.local.options import Options
from deploy.local.ports import PortTaken
from deploy.local.process import StartError
from deploy.local.run_record import without_password
from deploy.local.supervisor import Supervisor

RunCommand = Callable[[Sequence[str]], object]
"""Runs another `leadflow` command in this process, given its words."""


async def run(options: Options, demo: bool, run_command: RunCommand) -> None:
    """Start everything, the demo the first time, and keep it running until a signal. Raises Refused."""
    console = Console(highlight=False)
    stopped, hurry = asyncio.Event(), asyncio.Event()

    def request_stop() -> None:
        if stopped.is_set():
            hurry.set()
        else:
            text = "\nStopping. The services finish their work in progress; press Ctrl-C again to stop at once."
            console.print(text, soft_wrap=True)
        stopped.set()

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(signum, request_stop)
    try:
        with lock_data_folder(options.data), DownloadBar(console) as download:
            supervisor = Supervisor(options, lambda text: console.print(text, soft_wrap=True), download)
            try:
                if await _unless(stopped, supervisor.start()):
                    await _keep_running(supervisor, options, demo, run_command, stopped, console)
            finally:
                await supervisor.stop(hurry)
        console.print("Leadflow has stopped. `leadflow up` continues with the same data.")
    except (AlreadyRunning, FetchError, MigrationError, PortTaken, StartError) as error:
        raise Refused(str(error)) from error


async def _unless(stopped: asyncio.Event, work: Awaitable[None]) -> bool:
    """Await `work`, but cancel it when `stopped` is set; returns whether it was completed."""
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


async def _keep_running(
    supervisor: Supervisor,
    options: Options,
    demo: bool,
    run_command: RunCommand,
    stopped: asyncio.Event,
    console: Console,
) -> None:
    """Run the demo the first time, print addresses and tokens, and watch the processes until `stopped` is set."""
    # Only now: Kafka starts while these would be imported.
    from cli.demo.board import watch
    from cli.demo.walkthrough import Walkthrough

    watching = asyncio.create_task(supervisor.watch(stopped))
    _print_addresses(supervisor, console)
    walkthrough = Walkthrough(options.data, console, run_command, stopped.is_set)
    bootstrap = supervisor.record.kafka.bootstrap
    board = asyncio.create_task(watch(bootstrap, DEMO_TENANT, console)) if demo else None
    try:
        if demo and not walkthrough.is_done:
            await asyncio.to_thread(walkthrough.run)
        if not stopped.is_set():
            _print_next_steps(supervisor, options, console)
        await watching
    finally:
        if board is not None:
            board.cancel()
            await asyncio.gather(board, return_exceptions=True)


def _print_addresses(supervisor: Supervisor, console: Console) -> None:
    record = supervisor.record
    console.print("\nLeadflow is up", style="bold green")
    for name, service in record.services.items():
        console.print(f"  {name:11} {service.url}/docs", soft_wrap=True)
    console.print(f"  {'Kafka':11} {record.kafka.bootstrap}", soft_wrap=True)
    console.print(
        f"  {'SMTP':11} {record.smtp.host}:{record.smtp.port}, with the messages in {record.smtp.maildir}",
        soft_wrap=True,
    )


def _print_next_steps(supervisor: Supervisor, options: Options, console: Console) -> None:
    record = supervisor.record
    identity = Identity(options.data, issuer=record.issuer, audience=record.audience)
    console.print(f"\nTokens for the tenant {DEMO_TENANT}, valid for a day:", style="bold")
    for role in ("reviewer", "admin", "service"):
        console.print(f"  {role:9} {identity.sign_token(DEMO_TENANT, [role], 'demo', 24 * 3600)}", soft_wrap=True)
    console.print(
        f"\nPostgres is at {without_password(record.postgres.url)}. The logs are in {options.data / 'logs'}.",
        soft_wrap=True,
    )
    console.print("\nTry these commands in another terminal:", style="bold")
    token = command_line(["token", "--tenant", DEMO_TENANT, "--role", "viewer"], options.data)
    queue = f"{record.services['stages'].url}/v1/queue"
    console.print(f"  {command_line(['demo', 'qualify', 'top'], options.data)}", soft_wrap=True)
    console.print(f"  {command_line(['demo', 'drafts'], options.data)}", soft_wrap=True)
    console.print(f'  curl -H "Authorization: Bearer $({token})" {queue}', soft_wrap=True)
    console.print("\nCtrl-C stops everything. Nothing is lost.", style="bold")

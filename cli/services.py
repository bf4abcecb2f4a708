"""`leadflow services run`: the entry point of a service, on this machine and in containers."""

import importlib
import os
from typing import Annotated

import typer

from cli.environment import service_environment
from cli.errors import Refused, refusals
from cli.options import DEFAULT_DATA, Data
from shared.names import PARTS, SERVICES

app = typer.Typer(help="Run one service.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Run one service."""


@app.command("run")
def run(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")],
    only: Annotated[
        str | None, typer.Option("--only", help=f"Run only one part of the service: {', '.join(PARTS)}.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="The port, instead of LEADFLOW_<SERVICE>_PORT; 0 takes a free one.")
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Run one service, or one part of it, in the foreground, with the settings of its environment.

    While `leadflow up` runs, its settings apply where the environment has none. So
    `leadflow services run stages --port 0` starts a second replica of stages.
    """
    from shared import collector

    collector.pause()
    from shared.http.server import serve
    from shared.observability import configure_logging

    if only is not None and only not in PARTS:
        raise Refused(f"there is no part {only!r}; --only is one of {', '.join(PARTS)}")
    os.environ.update(service_environment(data, name))
    with refusals():
        module = importlib.import_module(f"services.{name}.app")
        application = module.create_app(only=only)
    settings = application.state.service.settings
    configure_logging(settings.log_level)
    collector.configure()
    serve(
        application,
        host=settings.host,
        port=settings.port if port is None else port,
        grace_seconds=settings.grace_seconds,
        drain=application.state.service.drain,
        drain_seconds=settings.drain_seconds,
    )

"""`leadflow services run`: the entry point of a service, here and in containers."""

import importlib
import os
import sys
from typing import Annotated

import typer

from cli.options import DEFAULT_DATA, Data, Refused, refusing, service_environment

app = typer.Typer(help="Run one service.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Run one service."""


@app.command("run")
def run(
    name: Annotated[str, typer.Argument(help="capture, enrichment, scoring, stages, outreach or goals.")],
    only: Annotated[str | None, typer.Option("--only", help="One part of it: api, consumers or workers.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Another port than LEADFLOW_<SERVICE>_PORT; 0 takes any free one.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", hidden=True, help="Load the code, then wait for a line on standard input.")
    ] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Run one service, or one part of it, in the foreground, with the settings of its environment.

    Beside a running `leadflow up`, settings that the environment lacks are those of `up`: so a second replica of
    stages is `leadflow services run stages --port 0`.
    """
    import uvicorn

    from shared import collector
    from shared.names import PARTS
    from shared.observability import configure_logging

    if only is not None and only not in PARTS:
        raise Refused(f"--only is one of {', '.join(PARTS)}")
    os.environ.update(service_environment(data, name))
    with refusing():
        module = importlib.import_module(f"services.{name}.app")
        if wait and not sys.stdin.readline():
            raise typer.Exit(1)
        application = module.create_app(only=only)
    settings = application.state.service.settings
    configure_logging(settings.log_level)
    collector.configure()
    uvicorn.run(
        application,
        host=settings.host,
        port=settings.port if port is None else port,
        loop="uvloop",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=int(settings.grace_seconds),
    )

"""`leadflow up`."""

import os
from typing import Annotated

import typer

from cli.options import DEFAULT_DATA, Data


def up(
    context: typer.Context,
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Load the demo leads on the first start.")] = True,
    data: Data = DEFAULT_DATA,
    kafka: Annotated[
        str | None,
        typer.Option(
            "--kafka",
            metavar="URL",
            envvar="LEADFLOW_KAFKA_BOOTSTRAP",
            help="Use this Kafka (host:port) instead of a local one.",
        ),
    ] = None,
    postgres: Annotated[
        str | None,
        typer.Option(
            "--postgres",
            metavar="URL",
            envvar="LEADFLOW_POSTGRES_URL",
            help="Use this Postgres instead of a local one. The user must be allowed to create databases and roles: "
            "postgresql://user:password@host/postgres.",
        ),
    ] = None,
    port_base: Annotated[
        int,
        typer.Option(
            "--port-base",
            min=1024,
            max=65000,
            help="Move all ports: console N, capture to goals N+1 to N+6, SMTP N+25, Postgres N+33, Kafka N+92 and "
            "its controller N+93. With 8100, the default, Kafka has 9092 and 9093, and Postgres 5433.",
        ),
    ] = 8100,
) -> None:
    """Start Kafka, Postgres, a mailbox and the six services, and keep them running until Ctrl-C.

    A stop loses nothing: the next start with the same data folder continues the work.
    """
    import asyncio

    from deploy.local.service_process import load_common_code

    os.umask(0o077)  # whatever is written from here on, by us or our children, is for the owner only
    load_common_code()
    # Only now: these take long to load too.
    from cli.foreground import run
    from deploy.local.options import Options
    from deploy.local.ports import Ports

    # Kafka's clients need a bare host:port; people also write kafka://host:port.
    bootstrap = kafka.removeprefix("kafka://") if kafka else None
    options = Options(data=data, ports=Ports.of(port_base, os.environ), kafka=bootstrap, postgres=postgres)
    leadflow = context.find_root().command
    asyncio.run(run(options, demo, lambda words: leadflow.main(args=list(words), standalone_mode=False)))

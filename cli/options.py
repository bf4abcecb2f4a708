"""The options and arguments that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from shared.names import SERVICES

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        envvar="LEADFLOW_DATA",
        help="The data folder, where `up` stores keys, ports, addresses and all data.",
    ),
]
DEFAULT_DATA = Path(".leadflow")

DEMO_TENANT = "demo"
Tenant = Annotated[str, typer.Option("--tenant", help="The tenant to act for.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Service = Annotated[str, typer.Argument(metavar="SERVICE", help=f"One of {', '.join(SERVICES)}.")]

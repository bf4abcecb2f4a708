"""What several commands share: their options, their way to refuse, and the way to the running services."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

Data = Annotated[
    Path,
    typer.Option("--data", envvar="LEADFLOW_DATA", help="The folder where `up` keeps keys, ports, addresses and data."),
]
DEFAULT_DATA = Path(".leadflow")

DEMO_TENANT = "demo"
Tenant = Annotated[str, typer.Option("--tenant", help="The tenant to act for.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


class Refused(Exception):
    """The command cannot be done; the message says why and what would help."""


@contextmanager
def refusing() -> Iterator[None]:
    """Turn the errors that people can mend into one line."""
    import httpx
    from pydantic import ValidationError

    from deploy.local.run import NoRun
    from shared.errors import LeadflowError

    try:
        yield
    except (NoRun, LeadflowError) as error:
        raise Refused(str(error)) from error
    except ValidationError as error:
        missing = ", ".join(str(part["loc"][-1]) for part in error.errors())
        raise Refused(f"settings are missing or wrong: {missing}") from error
    except httpx.HTTPStatusError as error:
        raise Refused(problem(error.response)) from error
    except httpx.TransportError as error:
        raise Refused(f"{error.request.url} does not answer ({error}); is `leadflow up` running?") from error


def problem(response: Any) -> str:
    """An error answer in one line: status, title, detail, fields."""
    request = f"{response.request.method} {response.request.url.path}"
    try:
        body = response.json()
    except ValueError:
        return f"{request} was answered with {response.status_code}"
    fields = "; ".join(f"{part.get('field')}: {part.get('message')}" for part in body.get("errors") or [])
    said = body.get("detail") or body.get("title") or ""
    return f"{request} was answered with {response.status_code}: {said}" + (f" ({fields})" if fields else "")


def service_environment(data: Path, service: str) -> Mapping[str, str]:
    """The LEADFLOW_* settings of a service: those of this process, else those that `up` keeps in `data`."""
    from deploy.local.run import NoRun, Run
    from shared.names import SERVICES

    if service not in SERVICES:
        raise Refused(f"there is no service {service!r}; there are {', '.join(SERVICES)}")
    try:
        known = Run.load(data).services[service].environment
    except NoRun:
        known = {}
    own = {key: value for key, value in os.environ.items() if key.startswith("LEADFLOW_")}
    return {**known, **own}


def client(data: Path, service: str, tenant: str, *roles: str) -> Any:
    """An httpx.Client of a running service, with a token of these roles. Raises NoRun."""
    import httpx

    from deploy.local.identity import Identity
    from deploy.local.run import Run

    run = Run.load_running(data)
    token = Identity(data, issuer=run.issuer, audience=run.audience).mint(tenant, roles, subject="cli", ttl=24 * 3600)
    return httpx.Client(
        base_url=run.services[service].url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
        trust_env=False,
    )

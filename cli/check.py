"""`leadflow check`: whether a deployment works, from the outside: every API is ready, and a lead goes through."""

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from cli.environment import setting
from cli.errors import Refused, describe_problem, refusals
from cli.options import DEFAULT_DATA, Data
from shared.names import SERVICES

if TYPE_CHECKING:
    import httpx


def check(
    url: Annotated[
        list[str] | None,
        typer.Option("--url", metavar="SERVICE=URL", help="A service's address; repeated. By default the local run."),
    ] = None,
    within: Annotated[float, typer.Option("--within", help="Seconds for all of it.", min=1)] = 90.0,
    data: Data = DEFAULT_DATA,
) -> None:
    """Ask every API whether it is ready; then, with a token, send a lead through, wait for its stage and erase it.

    The token (LEADFLOW_TOKEN or LEADFLOW_TOKEN_FILE) is of a tenant for tests, with the roles service and admin.
    """
    import httpx

    urls = dict(part.partition("=")[::2] for part in url) if url else _local_urls(data)
    if unknown := urls.keys() - set(SERVICES):
        raise Refused(f"there is no service {', '.join(sorted(unknown))}; the services are {', '.join(SERVICES)}")
    deadline = time.monotonic() + within
    with refusals(), httpx.Client(timeout=10, trust_env=False) as client:
        for name, address in urls.items():
            _until_ready(client, name, address, deadline)
            typer.echo(f"{name} is ready.")
        token = setting("LEADFLOW_TOKEN").strip()
        if not token:
            typer.echo("No lead was sent, because LEADFLOW_TOKEN is not set.")
        elif not {"capture", "stages"} <= urls.keys():
            raise Refused("to send a lead, the addresses of capture and stages are needed")
        else:
            client.headers["Authorization"] = f"Bearer {token}"
            stage = _send_a_lead(client, urls["capture"], urls["stages"], deadline)
            typer.echo(f"A lead went through: stages has it as {stage}. It was erased again.")


def _local_urls(data: Path) -> dict[str, str]:
    from deploy.local.run_record import RunRecord

    with refusals():
        return {name: entry.url for name, entry in RunRecord.load_running(data).services.items()}


def _until_ready(client: "httpx.Client", name: str, address: str, deadline: float) -> None:
    import httpx

    reason = "it does not answer"
    while time.monotonic() < deadline:
        try:
            answer = client.get(f"{address}/readyz")
            if answer.status_code == 200:
                return
            reason = "; ".join(f"{part}: {why}" for part, why in answer.json().get("checks", {}).items())
        except (httpx.TransportError, ValueError) as error:
            reason = f"it does not answer ({error})"
        time.sleep(0.5)
    raise Refused(f"{name} is not ready: {reason}")


def _send_a_lead(client: "httpx.Client", capture: str, stages: str, deadline: float) -> str:
    import httpx

    lead = {"source": "check", "email": f"check-{uuid4().hex}@example.com", "first_name": "Check"}
    lead_id = client.post(f"{capture}/v1/leads", json=lead).raise_for_status().json()["lead_id"]
    address = f"{capture}/v1/leads/{lead_id}"
    try:
        stage = _stage_of(client, f"{stages}/v1/leads/{lead_id}", deadline)
    except BaseException:
        with suppress(httpx.HTTPError):  # what went wrong first is what is said
            client.delete(address)
        raise
    erased = client.delete(address)
    if not erased.is_success:
        raise Refused(f"a lead went through, and stages has it as {stage}, but it stays: {describe_problem(erased)}")
    return stage


def _stage_of(client: "httpx.Client", address: str, deadline: float) -> str:
    while time.monotonic() < deadline:
        answer = client.get(address)
        if answer.status_code == 200:
            return str(answer.json()["stage"])
        if answer.status_code != 404:
            answer.raise_for_status()
        time.sleep(0.2)
    raise Refused("the lead was taken by capture, and stages did not have it in time")

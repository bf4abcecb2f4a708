"""`leadflow status`."""

import asyncio
import json
from typing import Any

import typer

from cli.options import DEFAULT_DATA, AsJson, Data, refusing

_METRICS = {
    "lag": "leadflow_consumer_lag",
    "outbox": "leadflow_outbox_depth",
    "dead_letters": "leadflow_dead_letters",
}


def status(as_json: AsJson = False, data: Data = DEFAULT_DATA) -> None:
    """Services, lag, outbox depth, dead letters and process ids, at a glance."""
    from deploy.local.run import Run

    with refusing():
        run = Run.load(data)
    report = asyncio.run(collect(run))
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        _print(report)


async def collect(run: Any) -> dict[str, Any]:
    """What `--json` prints. A number is null where the service does not answer."""
    import httpx

    alive = run.is_alive
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        services = await asyncio.gather(
            *(_service(client, name, service, alive) for name, service in run.services.items())
        )
    return {
        "running": alive,
        "pid": run.pid if alive else None,
        "services": services,
        "kafka": {"bootstrap": run.kafka.bootstrap, "pid": run.kafka.pid if alive else None},
        "postgres": {"url": without_password(run.postgres.url), "pid": run.postgres.pid if alive else None},
        "smtp": {
            "host": run.smtp.host,
            "port": run.smtp.port,
            "maildir": str(run.smtp.maildir),
            "pid": run.smtp.pid if alive else None,
        },
    }


def parse_metrics(text: str) -> dict[str, int | None]:
    """The three numbers of a Prometheus page; None where one is absent."""
    from prometheus_client.parser import text_string_to_metric_families

    found: dict[str, int | None] = dict.fromkeys(_METRICS)
    names = {metric: key for key, metric in _METRICS.items()}
    for family in text_string_to_metric_families(text):
        if key := names.get(family.name):
            found[key] = int(sum(sample.value for sample in family.samples))
    return found


def without_password(url: str) -> str:
    """The same address, fit to be shown."""
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=user.partition(":")[0] + at + host))


async def _service(client: Any, name: str, service: Any, alive: bool) -> dict[str, Any]:
    import httpx

    state, wrong, numbers = ("stopped" if not alive else service.state), None, dict.fromkeys(_METRICS)
    if alive and service.pid is not None:
        try:
            ready = await client.get(f"{service.url}/readyz")
            state = "ready" if ready.status_code == 200 else "not ready"
            wrong = None if ready.status_code == 200 else ready.json().get("checks")
            numbers = parse_metrics((await client.get(f"{service.url}/metrics")).text)
        except (httpx.TransportError, ValueError):
            state = service.state if service.state != "ready" else "not answering"
    return {
        "name": name,
        "pid": service.pid if alive else None,
        "port": service.port,
        "url": service.url,
        "state": state,
        "restarts": service.restarts,
        **numbers,
        "checks": wrong,
    }


def _print(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    table.add_column("service")
    table.add_column("state")
    for column in ("pid", "port", "restarts", "lag", "outbox", "dead letters"):
        table.add_column(column, justify="right")
    for service in report["services"]:
        numbers = [service[key] for key in ("pid", "port", "restarts", "lag", "outbox", "dead_letters")]
        table.add_row(
            service["name"], service["state"], *("-" if number is None else str(number) for number in numbers)
        )
    console = Console()
    console.print(table)
    for name, where in (("Kafka", "bootstrap"), ("Postgres", "url"), ("SMTP", "port")):
        server = report[name.lower()]
        console.print(f"{name:9}{server[where]}  pid {server['pid'] or '-'}", soft_wrap=True, highlight=False)
    for service in report["services"]:
        for check, reason in (service["checks"] or {}).items():
            console.print(f"{service['name']}: {check}: {reason}", soft_wrap=True, highlight=False)
    if not report["running"]:
        console.print("Leadflow does not run now: `leadflow up` starts it.")

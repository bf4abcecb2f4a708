"""`leadflow status`."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import refusals
from cli.options import DEFAULT_DATA, AsJson, Data

if TYPE_CHECKING:
    from deploy.local.run_record import RunRecord, ServiceEntry

_METRICS = {
    "lag": "leadflow_consumer_lag",
    "outbox": "leadflow_outbox_depth",
    "dead_letters": "leadflow_dead_letters",
}


def status(
    as_json: AsJson = False,
    passwords: Annotated[bool, typer.Option("--passwords", help="Show the password of the database too.")] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Show services, lag, outbox depth, dead letters and process ids."""
    from deploy.local.run_record import RunRecord

    with refusals():
        record = RunRecord.load(data)
    report = collect(record, passwords=passwords)
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        _print(report)


def collect(record: "RunRecord", *, passwords: bool = False) -> dict[str, Any]:
    """The report that `--json` prints. A number is null where the service does not answer."""
    from deploy.local.run_record import without_password

    running = record.is_running
    postgres = record.postgres.url if passwords else without_password(record.postgres.url)
    with ThreadPoolExecutor(len(record.services)) as threads:
        services = list(threads.map(lambda of: _service(of[0], of[1], running), record.services.items()))
    return {
        "running": running,
        "pid": record.pid if running else None,
        "services": services,
        "kafka": {"bootstrap": record.kafka.bootstrap, "pid": record.kafka.pid if running else None},
        "postgres": {"url": postgres, "pid": record.postgres.pid if running else None},
        "smtp": {
            "host": record.smtp.host,
            "port": record.smtp.port,
            "maildir": str(record.smtp.maildir),
            "pid": record.smtp.pid if running else None,
        },
    }


def parse_metrics(text: str) -> dict[str, int | None]:
    """Lag, outbox depth and dead letters from a Prometheus page; None where a number is missing."""
    from prometheus_client.parser import text_string_to_metric_families

    numbers: dict[str, int | None] = dict.fromkeys(_METRICS)
    names = {metric: key for key, metric in _METRICS.items()}
    for family in text_string_to_metric_families(text):
        if key := names.get(family.name):
            numbers[key] = int(sum(sample.value for sample in family.samples))
    return numbers


def _get(url: str) -> tuple[int, str]:
    """Status and body, asked of the service itself whatever proxy is set. The standard library's client answers before
    a better one would be imported."""
    from urllib.error import HTTPError
    from urllib.request import ProxyHandler, build_opener

    try:
        with build_opener(ProxyHandler({})).open(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _service(name: str, entry: "ServiceEntry", running: bool) -> dict[str, Any]:
    from http.client import HTTPException

    state: str = entry.state if running else "stopped"
    checks, numbers = None, dict.fromkeys(_METRICS)
    if running and entry.pid is not None:
        try:
            code, body = _get(f"{entry.url}/readyz")
            state = "ready" if code == 200 else "not ready"
            checks = None if code == 200 else json.loads(body).get("checks")
            numbers = parse_metrics(_get(f"{entry.url}/metrics")[1])
        except (OSError, HTTPException, ValueError):
            state = entry.state if entry.state != "ready" else "not answering"
    return {
        "name": name,
        "pid": entry.pid if running else None,
        "port": entry.port,
        "url": entry.url,
        "state": state,
        "restarts": entry.restarts,
        **numbers,
        "checks": checks,
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
    for name, address in (("Kafka", "bootstrap"), ("Postgres", "url"), ("SMTP", "port")):
        server = report[name.lower()]
        console.print(f"{name:9}{server[address]}  pid {server['pid'] or '-'}", soft_wrap=True, highlight=False)
    for service in report["services"]:
        for check, reason in (service["checks"] or {}).items():
            console.print(f"{service['name']}: {check}: {reason}", soft_wrap=True, highlight=False)
    if not report["running"]:
        console.print("Leadflow does not run now. Start it with `leadflow up`.")

"""What `make kube` proves about backups: the pages of docs/operations/day-two.md, done."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.kube import servers
from tests.kube.cluster import Failed, until
from tests.kube.context import Context

_PG = "/pgsql/bin"
_REQUEST = """\
import sys, urllib.request
method, path, token, body = sys.argv[1:]
headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
request = urllib.request.Request("http://127.0.0.1:8080" + path, body.encode(), headers, method=method)
print(urllib.request.urlopen(request, timeout=30).read().decode())
"""


def restored_from_backup(context: Context) -> str:
    """stages: a backup, leads after it, the database lost and restored, the group set back; the oracle looks last.

    A lead of another tenant is moved by hand after the backup, which is lost, and again after the restore: goals knows
    another event with the id of that move, and follows once the revisions are raised.
    """
    namespace = context.namespace
    tenant, lead = _captured_lead(context)
    with context.load("backup", 20) as report:
        moment = datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
        namespace.exec(
            "postgres-0", f"{_PG}/pg_dump", "-h/tmp", "-Upostgres", "-Fc", "-f/data/stages.dump", "leadflow_stages"
        )
        _move(context, tenant, lead, "qualified")
        before = int(namespace.sql("leadflow_stages", "SELECT count(*) FROM lead"))
        until(lambda: int(namespace.sql("leadflow_stages", "SELECT count(*) FROM lead")) > before + 50, 60, "no leads")
        lost = int(namespace.sql("leadflow_stages", "SELECT count(*) FROM lead")) - before
        _scale(context, "stages", 0)
        namespace.sql("postgres", "DROP DATABASE leadflow_stages WITH (FORCE)")
        namespace.exec(
            "postgres-0", f"{_PG}/pg_restore", "-h/tmp", "-Upostgres", "-C", "-dpostgres", "/data/stages.dump"
        )
        said = _leadflow(context, "stages", "rewind", "stages", "--to", moment)
        _scale(context, "stages", 1)
    _move(context, tenant, lead, "contacted", goals_knows="qualified")
    raised = _leadflow(context, "stages", "raise-revisions", "stages")
    _until_goals_knows(context, tenant, "contacted")
    _move(context, tenant, lead, "engaged")
    return f"{lost} leads after the backup came back; {said}; {raised} {report}"


def _captured_lead(context: Context) -> tuple[str, str]:
    """The tenant and id of a lead that stages and goals know."""
    tenant = f"kube-moved-{int(time.time())}"
    body = {"source": "kube", "email": "moved@firm.example"}
    lead = str(_request(context, "capture", tenant, "POST", "/v1/leads", body)["lead_id"])
    count = f"SELECT count(*) FROM lead WHERE tenant_id = '{tenant}'"

    def known() -> bool:
        return all(context.namespace.sql(f"leadflow_{service}", count) == "1" for service in ("stages", "goals"))

    until(known, 120, "stages and goals do not know a lead that was captured")
    return tenant, lead


def _move(context: Context, tenant: str, lead: str, stage: str, *, goals_knows: str | None = None) -> None:
    """Move a lead by hand, and wait until goals knows that stage; or make sure that it knows another one."""
    _request(context, "stages", tenant, "PUT", f"/v1/leads/{lead}/stage", {"stage": stage})
    _until_goals_knows(context, tenant, goals_knows or stage)


def _until_goals_knows(context: Context, tenant: str, stage: str) -> None:
    statement = f"SELECT stage FROM lead WHERE tenant_id = '{tenant}'"

    def known() -> bool:
        return context.namespace.sql("leadflow_goals", statement) == stage

    until(known, 240, f"goals does not know that the lead is in {stage}")


def _request(context: Context, service: str, tenant: str, method: str, path: str, body: dict[str, str]) -> Any:
    """The answer of a service's API to a person with every role, asked in one of its pods."""
    pod = context.namespace.pods(f"app.kubernetes.io/component={service},leadflow/part=api")[0]["metadata"]["name"]
    words = (method, path, servers.token(tenant), json.dumps(body))
    return json.loads(context.namespace.exec(pod, "python", "-c", _REQUEST, *words))


def goals_are_rebuilt(context: Context) -> str:
    """goals: the database lost, and no backup; the owners publish their state again."""
    namespace = context.namespace
    with context.load("rebuild", 5):
        pass
    tenant = namespace.sql(
        "leadflow_goals", "SELECT tenant_id FROM lead WHERE tenant_id LIKE 'kube-rebuild-%' ORDER BY 1 DESC LIMIT 1"
    )
    count = f"SELECT count(*) FROM lead WHERE tenant_id = '{tenant}'"
    expected = int(namespace.sql("leadflow_capture", count))
    _scale(context, "goals", 0)
    namespace.sql("postgres", "DROP DATABASE leadflow_goals WITH (FORCE)")
    _scale(context, "goals", 1, wait=False)
    namespace.install(context.values(), verb="upgrade")  # its Job makes the database again
    for service in ("capture", "stages"):
        _leadflow(context, service, "republish", service, "--tenant", tenant, "--since", "2020-01-01T00:00:00Z")

    def rebuilt() -> bool:
        return int(namespace.sql("leadflow_goals", count)) == expected

    until(rebuilt, 120, "goals does not have all leads")
    return f"{expected} leads of a tenant are counted again, of an empty database"


def _leadflow(context: Context, service: str, *words: str) -> str:
    """A command in a pod of its own with the settings of a service, whatever runs of it. Its last line.

    It is repeated while nobody lets the new pod in: the network policies may know it some seconds late.
    """
    for _ in range(5):
        ended, said = _command(context, service, words)
        if ended == "Succeeded" or "Connect call failed" not in said:
            break
        time.sleep(2)
    if ended == "Failed":
        raise Failed(f"leadflow {words[0]}: {said}")
    return said


def _command(context: Context, service: str, words: Sequence[str]) -> tuple[str, str]:
    """How the pod of a command ended, and its last line."""
    template = context.namespace.get("deployment", f"leadflow-{service}-api")["spec"]["template"]
    spec = template["spec"] | {"restartPolicy": "Never"}
    (container,) = spec["containers"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        container.pop(probe, None)
    container |= {"args": list(words)}
    name = f"command-{service}"
    context.namespace.kubectl("delete", "pod", name, "--ignore-not-found", "--wait=true")
    labels = {"app.kubernetes.io/name": "leadflow", "app.kubernetes.io/instance": "leadflow"}
    context.namespace.apply(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}
    )

    def phase() -> str:
        found = context.namespace.get("pod", name)["status"].get("phase")
        return str(found) if found in ("Succeeded", "Failed") else ""

    ended = until(phase, 300, f"leadflow {words[0]} does not end")
    said = context.namespace.kubectl("logs", name).strip().splitlines()
    context.namespace.kubectl("delete", "pod", name, "--wait=true")
    return ended, said[-1] if said else ""


def _scale(context: Context, service: str, replicas: int, wait: bool = True) -> None:
    selector = f"app.kubernetes.io/component={service}"
    context.namespace.kubectl("scale", "deployment", "-l", selector, f"--replicas={replicas}")
    parts = len(context.namespace.get("deployments", "-l", selector)["items"])
    if replicas == 0:
        until(lambda: not context.namespace.get("pods", "-l", selector)["items"], 120, f"{service} does not stop")
    elif wait:
        until(lambda: context.namespace.is_ready(selector, replicas * parts), 240, f"{service} does not start")

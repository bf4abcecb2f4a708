"""What `make kube` proves while leads flow: whatever is done to the release, none is lost, doubled or out of order."""

import json
import tempfile
import time
from itertools import product
from pathlib import Path

from shared.names import PARTS, SERVICES
from tests.kube.cluster import Failed, condition, until
from tests.kube.context import IMAGE, NEXT_IMAGE, Context, Report

ALL = "app.kubernetes.io/name=leadflow"


def steady(context: Context) -> str:
    with context.load("steady", 60) as report:
        pass
    context.p99_ms = float(report.found["p99_ms"])
    return str(report)


def upgrade_and_back(context: Context) -> str:
    with tempfile.TemporaryDirectory() as folder:
        context.build_next(Path(folder))
    with context.load("upgrade", 60) as report:
        began = time.monotonic()
        context.namespace.install(context.values(NEXT_IMAGE), verb="upgrade")
        revision = context.namespace.sql("leadflow_stages", "SELECT version_num FROM alembic_version")
        upgraded = time.monotonic() - began
        context.namespace.helm("rollback", "leadflow", "--wait", "--timeout", "10m")
        back = time.monotonic() - began - upgraded
    _all_run(context, IMAGE)
    return f"to revision {revision} in {upgraded:.0f} s, back in {back:.0f} s; {_compared(context, report)}; {report}"


def upgrade_in_turns(context: Context) -> str:
    """As docs/operations/day-two.md describes it, to the next release and back."""
    with context.load("turns", 60) as report:
        began = time.monotonic()
        context.namespace.kubectl("rollout", "pause", "deployment", "-l", ALL)
        context.namespace.install(context.values(NEXT_IMAGE), verb="upgrade", wait=False)
        _all_run(context, IMAGE)
        _let_them_roll(context)
        _all_run(context, NEXT_IMAGE)
        upgraded = time.monotonic() - began
        context.namespace.kubectl("rollout", "pause", "deployment", "-l", ALL)
        context.namespace.helm("rollback", "leadflow")
        _let_them_roll(context)
        back = time.monotonic() - began - upgraded
    _all_run(context, IMAGE)
    return f"there in {upgraded:.0f} s, back in {back:.0f} s; {_compared(context, report)}; {report}"


def _let_them_roll(context: Context) -> None:
    for service, part in product(reversed(SERVICES), ("consumers", "workers", "api")):
        deployment = f"deployment/leadflow-{service}-{part}"
        context.namespace.kubectl("rollout", "resume", deployment)
        context.namespace.kubectl("rollout", "status", deployment, "--timeout=300s")


def _all_run(context: Context, image: str) -> None:
    images = {pod["spec"]["containers"][0]["image"] for pod in context.namespace.pods(f"{ALL},leadflow/part")}
    if images != {image}:
        raise Failed(f"the pods run {sorted(images)}, not {image}")


def _compared(context: Context, report: Report) -> str:
    return f"p99 {report.found['p99_ms'] / max(1.0, context.p99_ms):.1f} times that of the steady load"


def each_pod_is_killed(context: Context) -> str:
    with context.load("kills", 40) as report:
        for service in SERVICES:
            for part in PARTS:
                selector = f"app.kubernetes.io/component={service},leadflow/part={part}"
                pods = context.namespace.pods(selector)
                if not pods:
                    continue
                name = pods[0]["metadata"]["name"]
                context.namespace.kubectl("delete", "pod", name, "--grace-period=0", "--force", "--wait=false")
                if part == "api":
                    _until_ready(context, selector, len(pods))
        until(lambda: _all_ready(context), 240, context.namespace.why_not_ready)
    return str(report)


def _until_ready(context: Context, selector: str, count: int) -> None:
    until(lambda: context.namespace.is_ready(selector, count), 180, f"{selector} does not come back")


def servers_restart(context: Context) -> str:
    with context.load("servers", 60, patient=True) as report:
        for server in ("postgres", "kafka"):
            context.namespace.kubectl("delete", "pod", f"{server}-0", "--wait=true")
            context.namespace.kubectl("rollout", "status", f"statefulset/{server}", "--timeout=300s")
            time.sleep(5)
        until(lambda: _all_ready(context), 240, context.namespace.why_not_ready)
        context.namespace.require_no_restart()
    return f"no pod of Leadflow was restarted for it; {report}"


def node_is_drained(context: Context) -> str:
    """A drain evicts pod by pod, as far as the disruption budgets let it. There is one node: so pods of the API only,
    and the node takes them again."""
    with context.load("drain", 40) as report:
        for selector in ("leadflow/part=api", "leadflow/part=consumers"):
            for pod in context.namespace.pods(f"{ALL},{selector}"):
                name = pod["metadata"]["name"]
                until(lambda n=name: _evict(context, n), 180, f"{name} may not be evicted")
        until(lambda: _all_ready(context), 240, context.namespace.why_not_ready)
    return str(report)


def _evict(context: Context, name: str) -> bool:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    path = f"/api/v1/namespaces/{context.namespace.name}/pods/{name}/eviction"
    said = context.namespace.kubectl("create", "--raw", path, "-f", "-", given=json.dumps(eviction), check=False)
    return "disruption budget" not in said


def consumers_scale(context: Context) -> str:
    deployments = [f"deployment/leadflow-{service}-consumers" for service in ("scoring", "stages")]
    with context.load("scale", 60) as report:
        for replicas in ("3", "1"):
            context.namespace.kubectl("scale", *deployments, f"--replicas={replicas}")
            for deployment in deployments:
                context.namespace.kubectl("rollout", "status", deployment, "--timeout=300s")
            time.sleep(5)
    return f"scoring and stages 1 -> 3 -> 1; {report}"


def _all_ready(context: Context) -> bool:
    pods = context.namespace.pods(ALL)
    deployments = context.namespace.get("deployments", "-l", ALL)["items"]
    wanted = sum(deployment["spec"]["replicas"] for deployment in deployments)
    running = [pod for pod in pods if pod["metadata"]["labels"].get("leadflow/part") in PARTS]
    return len(running) == wanted and all(condition(pod, "Ready") == "True" for pod in running)

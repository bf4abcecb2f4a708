"""What `make kube` proves: an installation from nothing, and what guards it.

Each claim returns what was seen, and raises Failed when it does not hold.
"""

import json
import re
import time
from datetime import datetime

from shared.names import SERVICES
from tests.chart.helm import ROOT, rendered
from tests.chart.switches import SWITCHES
from tests.kube import servers
from tests.kube.cluster import Failed, Namespace, build, until
from tests.kube.context import IMAGE, Context

MAX_IMAGE_MB = 250
MAX_START_SECONDS = 6.0
"""Processor time from the start of a process until it works. By the clock it depends on what else the node does."""


def image_is_small(context: Context) -> str:
    build(IMAGE, ROOT / "deploy" / "Dockerfile")
    # A node reports its images once in five minutes, or sooner.
    megabytes = until(context.image_megabytes, 420, "no node reports the image")
    if megabytes > MAX_IMAGE_MB:
        raise Failed(f"{megabytes:.0f} MB")
    return f"{megabytes:.0f} MB"


def servers_start(context: Context) -> str:
    servers.build_image()
    context.namespace.kubectl("delete", "namespace", context.namespace.name, "--ignore-not-found", "--wait=true")
    servers.start(context.namespace)
    servers.wait(context.namespace)
    return "Kafka 4 and Postgres 18, as pods of the namespace"


def installs_from_nothing(context: Context) -> str:
    began = time.monotonic()
    context.namespace.install(context.values())
    pods = context.namespace.pods()
    return f"{len(pods)} pods ready in {time.monotonic() - began:.0f} s"


def helm_test_is_green(context: Context) -> str:
    context.namespace.helm("test", "leadflow", "--timeout", "3m")
    return context.namespace.kubectl("logs", "leadflow-test").strip().splitlines()[-1]


def every_switch_is_taken(context: Context) -> str:
    """The API server, with what operators check, would take the objects of each switch of the chart."""
    taken = 0
    unknown: set[str] = set()
    for switch, values in SWITCHES.items():
        objects = rendered(values, release="would-be")
        for each in objects:
            each["metadata"].pop("namespace", None)  # that of the operators need not be there
        said = context.namespace.would_apply(objects)
        missing = [found[1] for line in said if (found := _NO_SUCH_KIND.search(line))]
        unknown |= set(missing)
        if refused := [line for line in said if not _NO_SUCH_KIND.search(line) and not line.startswith("ensure CRDs")]:
            raise Failed(f"{switch}: {refused[:3]}")
        taken += len(objects) - len(missing)
    left = f"; not asked for, because this cluster does not know them: {', '.join(sorted(unknown))}" if unknown else ""
    return f"{taken} objects of {len(SWITCHES)} switches{left}"


_NO_SUCH_KIND = re.compile('no matches for kind "([A-Za-z]+)"')


def starts_fast(context: Context) -> str:
    """The best of three starts of one part."""
    processor, clock = min(_start(context.namespace) for _ in range(3))
    if processor > MAX_START_SECONDS:
        raise Failed(f"{processor:.1f} s of processor time")
    return f"{processor:.1f} s of processor time, {clock:.1f} s by the clock of this busy node, to an API that works"


def _start(namespace: Namespace) -> tuple[float, float]:
    selector = "app.kubernetes.io/component=goals,leadflow/part=api"
    (old,) = namespace.pods(selector)
    namespace.kubectl("delete", "pod", old["metadata"]["name"], "--wait=true")
    until(lambda: namespace.is_ready(selector, 1), 120, "goals does not come back")
    name = namespace.pods(selector)[0]["metadata"]["name"]
    program = (
        "import time; up = float(open('/proc/uptime').read().split()[0]);"
        "stat = open('/proc/1/stat').read().rsplit(')', 1)[1].split();"
        "print(time.time() - up + int(stat[19]) / 100, (int(stat[11]) + int(stat[12])) / 100)"
    )
    began, processor = (float(word) for word in namespace.exec(name, "python", "-c", program).split())
    for line in namespace.kubectl("logs", name, "--timestamps").splitlines():
        stamp, _, text = line.partition(" ")
        if "service.started" in text:
            return processor, datetime.fromisoformat(stamp[:26] + "+00:00").timestamp() - began
    raise Failed("its log does not say service.started")


def installs_beside_itself(context: Context) -> str:
    beside = context.beside
    beside.kubectl("delete", "namespace", beside.name, "--ignore-not-found", "--wait=true")
    # Nothing flows through it, and a node with few cores must have room for both.
    servers.start(beside, cpu="100m")
    servers.wait(beside)
    beside.install(servers.values(IMAGE, cpu="10m"))
    beside.helm("test", "leadflow", "--timeout", "3m")
    context.namespace.helm("test", "leadflow", "--timeout", "3m")
    count = {len(each.pods()) for each in (beside, context.namespace)}
    beside.helm("uninstall", "leadflow", "--wait")
    beside.kubectl("delete", "namespace", beside.name, "--wait=true")
    return f"{' and '.join(map(str, sorted(count)))} pods, both tests green"


def pods_are_restricted(context: Context) -> str:
    level = context.namespace.get("namespace", context.namespace.name)["metadata"]["labels"]
    if level.get("pod-security.kubernetes.io/enforce") != "restricted":
        raise Failed("the namespace does not enforce it")
    careless = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "careless"},
        "spec": {"containers": [{"name": "careless", "image": IMAGE, "securityContext": {"privileged": True}}]},
    }
    refused = context.namespace.kubectl("create", "-f", "-", given=json.dumps(careless), check=False)
    if "violates PodSecurity" not in refused:
        raise Failed(f"a privileged pod was admitted: {refused}")
    for pod in context.namespace.pods():
        for container in pod["spec"]["containers"]:
            if not container["securityContext"].get("readOnlyRootFilesystem"):
                raise Failed(f"{pod['metadata']['name']} may write to its root")
    return f"{len(context.namespace.pods())} pods run under `restricted`, which refuses a careless one"


def no_token_is_mounted(context: Context) -> str:
    program = "import os; print(os.path.exists('/var/run/secrets/kubernetes.io/serviceaccount/token'))"
    pods = [pod["metadata"]["name"] for pod in context.namespace.pods()]
    for service in SERVICES:
        name = next(pod for pod in pods if f"-{service}-" in pod)
        if context.namespace.exec(name, "python", "-c", program).strip() != "False":
            raise Failed(f"{name} has a token of the cluster")
    mounted = [volume for pod in context.namespace.pods() for volume in pod["spec"]["volumes"] if "projected" in volume]
    if mounted:
        raise Failed(f"{len(mounted)} volumes with tokens")
    return "no pod has a token of the cluster"


_REACH = """\
import socket, sys, time
until = time.monotonic() + 12  # a new pod is in nobody's policy at first
closed = set(sys.argv[1:])
while closed and time.monotonic() < until:
    for target in sorted(closed):
        host, port = target.split(":")
        try:
            socket.create_connection((host, int(port)), timeout=2).close()
            print(target, "open")
            closed.remove(target)
        except OSError:
            time.sleep(0.2)
"""


def network_is_closed(context: Context) -> str:
    namespace = context.namespace
    targets = ["postgres:5432", "leadflow-enrichment:80", "leadflow-stages:80"]
    opened = {
        "a planted pod": _reached_by_pod(namespace, "planted", {}, targets),
        "a client": _reached_by_pod(namespace, "client", {"leadflow/client": "true"}, targets),
        "outreach": _reached_from(namespace, "outreach", "workers", targets),
        "outreach's API": _reached_from(namespace, "outreach", "api", targets),
    }
    expected: dict[str, set[str]] = {
        "a planted pod": set(),
        "a client": {"leadflow-enrichment:80", "leadflow-stages:80"},
        "outreach": {"postgres:5432"},
        "outreach's API": {"postgres:5432"},
    }
    if opened != expected:
        raise Failed(f"{opened}")
    return "a planted pod reaches nothing, a client the APIs, outreach its database and no other service"


def _reached_by_pod(namespace: Namespace, name: str, labels: dict[str, str], targets: list[str]) -> set[str]:
    namespace.kubectl("delete", "pod", name, "--ignore-not-found", "--wait=true")
    namespace.apply(servers.pod(name, IMAGE, ["python", "-c", _REACH, *targets], labels))
    until(lambda: namespace.get("pod", name)["status"].get("phase") == "Succeeded", 90, f"{name} does not end")
    said = namespace.kubectl("logs", name)
    namespace.kubectl("delete", "pod", name, "--wait=false")
    return _open(said)


def _reached_from(namespace: Namespace, service: str, part: str, targets: list[str]) -> set[str]:
    pod = namespace.pods(f"app.kubernetes.io/component={service},leadflow/part={part}")[0]["metadata"]["name"]
    return _open(namespace.exec(pod, "python", "-c", _REACH, *targets))


def _open(said: str) -> set[str]:
    return {line.split()[0] for line in said.splitlines() if line.endswith(" open")}

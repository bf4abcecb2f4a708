"""A cluster as `make kube` uses it: kubectl, helm, and how an image gets there.

| variable | meaning |
|---|---|
| `KUBECONFIG` | the cluster; without an answer from it, LEADFLOW_KUBE_LAB is started |
| `LEADFLOW_KUBE_BUILD` | builds an image and lets the nodes have it: a command with {image}, {file} and {context} |
| `LEADFLOW_KUBE_LAB` | a folder with `start.sh` (prints an `export` of KUBECONFIG and PATH) and `image.sh` (builds) |
"""

import json
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chart.helm import CHART, ROOT, helm


class Failed(Exception):
    """A claim does not hold; the message says what was seen instead."""


def connect() -> None:
    """Find the cluster, or start the lab. Raises Failed."""
    if _answers():
        return
    lab = os.environ.get("LEADFLOW_KUBE_LAB")
    if lab is None:
        raise Failed("no cluster answers: set KUBECONFIG, or LEADFLOW_KUBE_LAB (docs/operations/tried.md)")
    done = subprocess.run([f"{lab}/start.sh"], capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("export "):
            for word in shlex.split(line)[1:]:
                name, _, value = word.partition("=")
                os.environ[name] = value.replace("$PATH", os.environ["PATH"])
    if not _answers():
        raise Failed(f"the lab does not start: {done.stdout[-500:]}{done.stderr[-500:]}")


def _answers() -> bool:
    try:
        done = subprocess.run(["kubectl", "get", "--raw", "/readyz", "--request-timeout=5s"], capture_output=True)
    except FileNotFoundError:
        return False
    return done.returncode == 0


def build(image: str, file: Path, context: Path = ROOT) -> None:
    """Build an image and give it to the nodes. Raises Failed with the end of the log."""
    command = os.environ.get("LEADFLOW_KUBE_BUILD")
    if command is None and (lab := os.environ.get("LEADFLOW_KUBE_LAB")):
        command = shlex.quote(f"{lab}/image.sh") + " {image} {context} -f {file}"
    if command is None:
        raise Failed("LEADFLOW_KUBE_BUILD is needed: how an image is built and given to the nodes")
    words = [word.format(image=image, file=file, context=context) for word in shlex.split(command)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{image} cannot be built: {(done.stdout + done.stderr)[-2_000:]}")


def until(condition: Callable[[], Any], within: float, failure: str | Callable[[], str]) -> Any:
    """The first true value of `condition`, asked every half second. Raises Failed after `within` seconds."""
    deadline = time.monotonic() + within
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise Failed(failure if isinstance(failure, str) else failure())
        time.sleep(0.5)
    return found


@dataclass(frozen=True)
class Namespace:
    """One namespace with a release of the chart in it."""

    name: str
    psql: tuple[str, ...] = ("postgres-0", "--", "/pgsql/bin/psql", "-h/tmp", "-Upostgres", "-At")
    """How psql is run as the administrator: the words for `kubectl exec`."""

    def kubectl(self, *words: str, given: str | None = None, check: bool = True) -> str:
        """The output of kubectl. Raises Failed when it ends with an error, unless `check` is false."""
        done = subprocess.run(
            ["kubectl", "-n", self.name, *words], input=given, capture_output=True, text=True, timeout=600
        )
        if check and done.returncode != 0:
            raise Failed(f"kubectl {' '.join(words[:4])}: {done.stderr.strip()[-600:]}")
        return done.stdout if done.returncode == 0 else done.stdout + done.stderr

    def get(self, *words: str) -> Any:
        """Objects, or one that is named, as kubectl shows them in JSON."""
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def apply(self, *objects: dict[str, Any]) -> None:
        self.kubectl("apply", "-f", "-", given=_as_list(objects))

    def would_apply(self, objects: list[dict[str, Any]]) -> list[str]:
        """What the API server has against these objects, one line each; nothing is made."""
        words = ["apply", "--server-side", "--dry-run=server", "--field-manager=make-kube", "--force-conflicts"]
        with tempfile.TemporaryDirectory() as cache:  # kubectl remembers for hours which kinds an address had
            words.append(f"--cache-dir={cache}")
            answer = self.kubectl(*words, "-f", "-", given=_as_list(objects), check=False)
        return [line for line in answer.splitlines() if line.strip() and not line.endswith("(server dry run)")]

    def has(self, kind: str, name: str) -> bool:
        """Whether there is an object of this kind and name."""
        return bool(self.kubectl("get", kind, name, "--ignore-not-found", "-o", "name").strip())

    def helm(self, *words: str, values: dict[str, Any] | None = None, check: bool = True) -> str:
        """The output of helm. Raises Failed when it ends with an error, unless `check` is false."""
        command = [helm(), *words, "-n", self.name] + (["-f", "-"] if values is not None else [])
        done = subprocess.run(
            command, input=json.dumps(values) if values is not None else None, capture_output=True, text=True
        )
        if check and done.returncode != 0:
            raise Failed(f"helm {words[0]}: {(done.stderr or done.stdout).strip()[-600:]}; {self.why_not_ready()}")
        return done.stdout + done.stderr

    def install(
        self, values: dict[str, Any], *more: str, verb: str = "install", wait: bool = True, check: bool = True
    ) -> str:
        """Install or upgrade the release. Its hooks are waited for in any case, its pods with `wait`."""
        words = [verb, "leadflow", str(CHART), "--timeout", "10m", *(["--wait"] if wait else []), *more]
        return self.helm(*words, values=values, check=check)

    def pods(self, selector: str = "app.kubernetes.io/name=leadflow") -> list[dict[str, Any]]:
        """The pods that are not on their way out."""
        items: list[dict[str, Any]] = self.get("pods", "-l", selector)["items"]
        return [pod for pod in items if not pod["metadata"].get("deletionTimestamp")]

    def require_no_restart(self) -> None:
        """Raise Failed if a pod of the release was restarted by its kubelet."""
        restarted = [
            pod["metadata"]["name"]
            for pod in self.pods()
            if any(status["restartCount"] for status in pod["status"].get("containerStatuses", []))
        ]
        if restarted:
            raise Failed(f"restarted, and need not have been: {restarted}")

    def is_ready(self, selector: str, count: int) -> bool:
        ready = [pod for pod in self.pods(selector) if condition(pod, "Ready") == "True"]
        return len(ready) >= count

    def exec(self, pod: str, *words: str, check: bool = True) -> str:
        return self.kubectl("exec", pod, "--", *words, check=check)

    def sql(self, database: str, statement: str) -> str:
        """What Postgres answers to a statement, as psql prints it without decoration."""
        return self.kubectl("exec", *self.psql, "-c", statement, database).strip()

    def why_not_ready(self) -> str:
        """One sentence for each pod that is not ready: what its last container said, or what it waits for."""
        sentences = []
        for pod in self.pods():
            for status in pod["status"].get("containerStatuses", []):
                ended = status.get("lastState", {}).get("terminated") or status["state"].get("terminated") or {}
                waits = status["state"].get("waiting", {}).get("reason")
                if not status["ready"] and (waits or ended.get("message")):
                    last = (ended.get("message") or "").strip().splitlines()
                    sentences.append(f"{pod['metadata']['name']}: {waits} {last[-1] if last else ''}".strip())
        return "; ".join(sentences[:5])


def _as_list(objects: Sequence[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def condition(pod: dict[str, Any], type: str) -> str:
    found: Sequence[dict[str, str]] = pod["status"].get("conditions", [])
    return next((each["status"] for each in found if each["type"] == type), "")

"""What the claims share: the namespace, the images, and a load that runs in a pod while something is done to it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.names import SERVICES
from shared.schema_revisions import newest
from tests.chart.helm import ROOT
from tests.kube import servers
from tests.kube.cluster import Failed, Namespace, build, until

IMAGE = "leadflow:kube-1"
NEXT_IMAGE = "leadflow:kube-2"

_NEXT = """\
FROM {image}
COPY --chown=0:0 services /app/services
"""
_MIGRATION = '''\
"""A column that the next release needs."""

from alembic import op

revision = "{revision}"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE lead ADD COLUMN of_the_next_release text NOT NULL DEFAULT ''")
'''
_STOP = "import tempfile; open(tempfile.gettempdir() + '/stop', 'w').close()"
_MIGRATED = ("capture", "scoring", "stages")
"""The services whose next release has a migration; each lead writes a row of their table `lead`."""


@dataclass
class Report:
    """What a load found, once its pod has ended."""

    found: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        of = self.found
        failures = f" ({', '.join(of['failures'])})" if of["failures"] else ""
        return (
            f"{of['leads']} leads at {of['per_second']}/s, p50 {of['p50_ms']} ms, p99 {of['p99_ms']} ms, "
            f"{of['failed']} requests tried twice{failures}, settled {of['seconds_to_settle']} s after the last"
        )


@dataclass
class Context:
    """One run of `make kube`."""

    namespace: Namespace
    beside: Namespace
    rate: float
    p99_ms: float = 0.0
    """That of the steady load, with which others are compared."""
    whole: bool = True
    """Whether every part of every service is installed; otherwise only those through which the load flows."""

    def image_megabytes(self) -> float:
        """The size of the image as its node reports it."""
        sizes = [
            image["sizeBytes"]
            for node in self.namespace.get("nodes")["items"]
            for image in node["status"].get("images", [])
            if any(name.endswith(f"/{IMAGE}") for name in image["names"] or [])
        ]
        return max(sizes, default=0) / 1e6

    def values(self, image: str = IMAGE) -> dict[str, Any]:
        services: dict[str, Any] = {service: {} for service in SERVICES}
        if not self.whole:
            off = {"enabled": False}
            services = {service: {"api": off, "workers": off} for service in SERVICES}
        for service in ("capture", "stages"):
            services[service] |= {"api": {"replicas": 2}}
        return servers.values(image, **services)

    def build_next(self, folder: Path) -> None:
        """The image of a next release: the same code and a migration more in three services."""
        for service in _MIGRATED:
            versions = folder / "services" / service / "migrations" / "versions"
            versions.mkdir(parents=True)
            last = newest(service)
            revision = f"{int(last) + 1:04}"
            text = _MIGRATION.format(revision=revision, head=last)
            (versions / f"{revision}_of_the_next_release.py").write_text(text)
        (folder / "Dockerfile").write_text(_NEXT.format(image=IMAGE))
        build(NEXT_IMAGE, folder / "Dockerfile", folder)

    @contextmanager
    def load(self, name: str, seconds: float, *, patient: bool = False) -> Iterator[Report]:
        """Leads flow while the block runs, at least for `seconds`. Raises Failed when the oracle finds anything.

        Unless `patient`, no request may fail twice.
        """
        self._make_code()
        tenant = f"kube-{name}-{int(time.time())}"
        arguments = {
            "tenant": tenant,
            "rate": self.rate,
            "capture": "http://leadflow-capture",
            "stages": "http://leadflow-stages",
            "token": servers.token(tenant),
        }
        pod = f"load-{name}"
        self.namespace.kubectl("delete", "pod", pod, "--ignore-not-found", "--wait=true")
        self.namespace.apply(_load_pod(pod, json.dumps(arguments)))
        until(lambda: self._phase(pod) == "Running", 60, f"{pod} does not start")
        until(lambda: self._has_captured(), 90, f"no lead of {pod} was captured")
        report, began = Report(), time.monotonic()
        try:
            yield report
            time.sleep(max(0.0, began + seconds - time.monotonic()))
        finally:
            self.namespace.exec(pod, "python", "-c", _STOP)
        until(lambda: self._phase(pod) in ("Succeeded", "Failed"), 420, f"{pod} does not end")
        lines = self.namespace.kubectl("logs", pod).strip().splitlines()
        try:
            report.found = json.loads(lines[-1])
        except (IndexError, json.JSONDecodeError):
            raise Failed(f"the load failed: {lines[-3:]}") from None
        if report.found["complaints"]:
            raise Failed(f"{report}: {'; '.join(report.found['complaints'])}")
        if report.found["failed_twice"] and not patient:
            raise Failed(f"{report.found['failed_twice']} requests failed twice: {report.found['failures']}; {report}")
        self.namespace.kubectl("delete", "pod", pod, "--wait=false")

    def _phase(self, pod: str) -> str:
        return str(self.namespace.get("pod", pod)["status"].get("phase"))

    def _has_captured(self) -> bool:
        return int(self.namespace.sql("leadflow_capture", "SELECT count(*) FROM lead WHERE source = 'load'")) > 0

    def _make_code(self) -> None:
        files = {"load.py": ROOT / "tests" / "kube" / "load.py", "oracle.py": ROOT / "tests" / "oracle.py"}
        content = {name: file.read_text() for name, file in files.items()} | {"init.py": ""}
        self.namespace.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "load"}, "data": content})


def _load_pod(name: str, arguments: str) -> dict[str, Any]:
    places = {
        "init.py": ("tests/__init__.py", "tests/kube/__init__.py"),
        "load.py": ("tests/kube/load.py",),
        "oracle.py": ("tests/oracle.py",),
    }
    items = [{"key": key, "path": path} for key, paths in places.items() for path in paths]
    return servers.pod(
        name,
        IMAGE,
        ["python", "-m", "tests.kube.load", arguments],
        {"leadflow/client": "true"},
        container={
            "env": [
                {"name": "PYTHONPATH", "value": "/load:/app"},
                {"name": "LEADFLOW_KAFKA_BOOTSTRAP", "value": "kafka:9092"},
            ],
            "volumeMounts": [{"name": "code", "mountPath": "/load"}],
            "resources": {"requests": {"cpu": "100m", "memory": "100Mi"}},
        },
        volumes=[{"name": "code", "configMap": {"name": "load", "items": items}}],
    )

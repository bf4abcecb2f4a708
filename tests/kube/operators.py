"""What `make kube ARGS="install operators"` proves: the chart makes its Postgres by CloudNativePG, whose operator is in
the cluster, and loses nothing with the instance that was its first."""

from tests.chart.helm import merged
from tests.kube import servers
from tests.kube.cluster import Failed, Namespace, until
from tests.kube.context import IMAGE, Context

_CLUSTER = "leadflow-postgres"
_SERVER = f"{_CLUSTER}-rw:5432"


def postgres_is_made(context: Context) -> str:
    """`helm install --wait` from nothing, with TLS and the operator's own authority."""
    of = _beside(context).namespace
    if not of.has("crd", "clusters.postgresql.cnpg.io"):
        raise Failed("this cluster has no CloudNativePG")
    of.kubectl("delete", "namespace", of.name, "--ignore-not-found", "--wait=true")
    servers.start(of, cpu="100m", postgres=False)
    of.apply(servers.login("owner"))
    values = {
        "postgres": {
            "url": f"postgresql://leadflow_%s@{_SERVER}/leadflow_%s",
            "sslmode": "verify-full",
            "caSecret": f"{_CLUSTER}-ca",
        },
        "migrations": {
            "adminSecret": "",
            "ownerUrl": f"postgresql://leadflow_owner@{_SERVER}/leadflow_%s",
            "ownerSecret": "leadflow-owner-postgres",
        },
        "cloudnativepg": {"enabled": True, "instances": 2, "storage": {"size": "2Gi"}},
    }
    of.install(merged(servers.values(IMAGE, cpu="10m"), values))
    of.helm("test", "leadflow", "--timeout", "3m")
    version = of.sql("leadflow_stages", "SHOW server_version")
    return f"{len(of.pods())} pods and 2 of PostgreSQL {version.split()[0]}, `helm test` green"


def postgres_fails_over(context: Context) -> str:
    """The first instance dies while leads flow; what it has acknowledged is on the second."""
    here = _beside(context)
    with here.load("failover", 60, patient=True) as report:
        first = _primary(here.namespace)
        here.namespace.kubectl("delete", "pod", first, "--grace-period=0", "--force", "--wait=false")
        until(lambda: _primary(here.namespace) != first, 180, "no other instance became the first")
        until(lambda: here.namespace.is_ready(f"cnpg.io/cluster={_CLUSTER}", 2), 240, "the instance does not come back")
        here.namespace.require_no_restart()
    here.namespace.kubectl("delete", "namespace", here.namespace.name, "--wait=false")
    return f"{_primary(here.namespace)} for {first}, and no pod of Leadflow was restarted; {report}"


def _beside(context: Context) -> Context:
    name = f"{context.namespace.name}-operators"
    psql = (f"service/{_CLUSTER}-rw", "-c", "postgres", "--", "psql", "-At")
    return Context(Namespace(name, psql), context.beside, context.rate)


def _primary(namespace: Namespace) -> str:
    return str(namespace.get("cluster.postgresql.cnpg.io", _CLUSTER)["status"].get("currentPrimary"))

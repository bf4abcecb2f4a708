"""What the chart opens, names and asks for around the pods: policies, links, certificates, who vouches for whom."""

import re
from typing import Any

import pytest

from services.outreach.settings import Settings
from shared.names import SERVICES, database_roles
from shared.settings import ServiceSettings
from tests.chart.helm import ROOT, merged, named, pods, rendered
from tests.chart.switches import SWITCHES

SIZING = (ROOT / "docs" / "operations" / "sizing.md").read_text()


def test_policies_let_nobody_in_but_clients_and_only_two_services_out() -> None:
    objects = rendered()
    policies = {o["metadata"]["name"]: o["spec"] for o in objects if o["kind"] == "NetworkPolicy"}
    everything = policies["leadflow"]
    assert everything["policyTypes"] == ["Ingress", "Egress"] and "ingress" not in everything
    assert set(everything["podSelector"]["matchLabels"]) == {"app.kubernetes.io/name", "app.kubernetes.io/instance"}
    assert policies["leadflow-api"]["ingress"][0]["from"] == [
        {"podSelector": {"matchLabels": {"leadflow/client": "true"}}}
    ]
    for pod in [o for o in objects if o["kind"] == "Deployment"]:
        assert "leadflow/client" not in pod["spec"]["template"]["metadata"]["labels"], "no service calls another"
    outside = {
        name
        for name, policy in policies.items()
        for rule in policy.get("egress", [])
        for peer in rule.get("to", [])
        if "ipBlock" in peer
    }
    assert outside == {"leadflow-enrichment", "leadflow-outreach"}


def test_every_pod_reaches_where_tokens_for_kafka_come_from_and_where_traces_go() -> None:
    values = merged(
        SWITCHES["tokens"],
        {
            "otlpEndpoint": "http://collector:4318/v1/traces",
            "networkPolicy": {"oauth": {"ports": [8443]}, "otlp": {"ports": [4318]}},
        },
    )
    for switch, expected in ((values, {8443, 4318}), ({}, set())):
        ports = {
            port["port"]
            for rule in named(rendered(switch), "NetworkPolicy", "leadflow")["spec"]["egress"]
            for port in rule["ports"]
        }
        assert ports & {8443, 4318} == expected


@pytest.mark.parametrize(
    ("values", "policy", "ports"),
    [
        ({"kafka": {"bootstrap": "b-1.msk:9096,b-2.msk:9098"}}, "leadflow", {9096, 9098, 9092}),
        ({"postgres": {"url": "postgresql://leadflow_%s@pooler:6432/leadflow_%s"}}, "leadflow", {6432, 5432}),
        ({"oidc": {"issuer": "http://keycloak.id:8080/realms/sales"}}, "leadflow-api", {8080, 443}),
        ({"oidc": {"issuer": "http://keycloak.id/realms/sales"}}, "leadflow-api", {80, 443}),
        ({"oidc": {"jwksUrl": "https://[fd00::7]:8443/keys"}}, "leadflow-api", {8443, 443}),
        ({"oidc": {"issuer": "https://id.example.com/a:9/b"}}, "leadflow-api", {443}),
        ({"otlpEndpoint": "http://collector:14318"}, "leadflow", {14318, 4318}),
    ],
)
def test_the_port_of_an_address_is_open(values: dict[str, Any], policy: str, ports: set[int]) -> None:
    egress = named(rendered(values), "NetworkPolicy", policy)["spec"]["egress"]
    opened = {port["port"] for rule in egress for port in rule["ports"]}
    assert ports <= opened
    assert opened <= ports | {53, 5353, 443, 5432, 9092, 9093, 9094, 4317, 4318}


def test_a_mail_server_is_let_out_to_at_the_port_that_outreach_takes_for_granted() -> None:
    (rule,) = named(rendered(), "NetworkPolicy", "leadflow-outreach")["spec"]["egress"]
    assert Settings.model_fields["smtp_port"].default in [port["port"] for port in rule["ports"]]


def test_migrations_reach_the_servers_of_their_own_release_before_its_policies_are_there() -> None:
    """Hooks run first: what they need is a hook too, and earlier."""
    moved = {"networkPolicy": {"postgres": {"to": [{"podSelector": {"matchLabels": {"app": "new"}}}]}}}
    objects = rendered(moved)
    early = named(objects, "NetworkPolicy", "leadflow-migrate")
    job = named(objects, "Job")
    assert early["metadata"]["annotations"]["helm.sh/hook"] == job["metadata"]["annotations"]["helm.sh/hook"]
    weights = [int(each["metadata"]["annotations"]["helm.sh/hook-weight"]) for each in (early, job)]
    assert weights[0] < weights[1]
    selected = early["spec"]["podSelector"]["matchLabels"].items()
    assert selected <= job["spec"]["template"]["metadata"]["labels"].items()
    assert early["spec"]["egress"] == named(objects, "NetworkPolicy", "leadflow")["spec"]["egress"]
    as_job = rendered(moved, {"migrations": {"mode": "job"}})
    assert not [o for o in as_job if o["metadata"]["name"] == "leadflow-migrate"], "a Job comes after the policies"


def test_postgres_lets_every_pod_have_its_connections_while_a_release_is_replaced() -> None:
    """An API has the pools of both roles and that of health checks, another part has one role less."""
    objects = rendered(SWITCHES["cloudnativepg"])
    size = ServiceSettings.model_fields["pool_size"].default
    needed = {"all": 0, "replaced": 0}
    for pod in [o for o in objects if o["kind"] == "Deployment"]:
        own = (4 if pod["metadata"]["labels"]["leadflow/part"] == "api" else 2) * size + 2
        surge = pod["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
        needed["all"] += own * pod["spec"]["replicas"]
        needed["replaced"] += own * (pod["spec"]["replicas"] + surge)
    allowed = int(named(objects, "Cluster")["spec"]["postgresql"]["parameters"]["max_connections"])
    assert needed["replaced"] + 20 < allowed, "some are for operators and the migrations"
    assert f"{needed['all']} connections" in SIZING and f"{needed['replaced']} while" in SIZING
    assert f"`max_connections` {allowed}" in SIZING


def test_the_operator_of_postgres_makes_each_role_before_who_is_in_it_and_revokes_nothing_that_is_needed() -> None:
    """CloudNativePG revokes what `inRoles` does not name, and makes roles in the order of the list."""
    roles = named(rendered(SWITCHES["cloudnativepg"]), "Cluster")["spec"]["managed"]["roles"]
    names = [role["name"] for role in roles]
    for service in SERVICES:
        login = next(role for role in roles if role["name"] == f"leadflow_{service}")
        assert login["inRoles"] == list(database_roles(service)) and not login["inherit"]
        assert all(names.index(role) < names.index(login["name"]) for role in database_roles(service))


def test_what_the_pods_ask_of_the_nodes_is_what_the_page_of_sizing_says() -> None:
    cores, memory = 0.0, 0.0
    for pod in [o for o in rendered() if o["kind"] == "Deployment"]:
        (container,) = pod["spec"]["template"]["spec"]["containers"]
        asked: dict[str, Any] = container["resources"]["requests"]
        cores += pod["spec"]["replicas"] * int(asked["cpu"].removesuffix("m")) / 1_000
        memory += pod["spec"]["replicas"] * int(asked["memory"].removesuffix("Mi")) / 1_024
    assert re.search(rf"request {cores:.1f} cores and {memory:.1f} GiB", SIZING), (cores, memory)


def test_links_in_mails_and_forms_begin_with_the_host_of_the_ingress_unless_somebody_says_otherwise() -> None:
    own = {"name": "LEADFLOW_OUTREACH_PUBLIC_URL", "value": "https://mail.example.com"}
    values = {"ingress": {"enabled": True, "host": "sales.example.com"}, "services": {"outreach": {"env": [own]}}}
    found = {}
    for service in ("capture", "outreach"):
        for entry in pods(rendered(values))[f"leadflow-{service}-api"]["containers"][0]["env"]:
            found[entry["name"]] = entry.get("value")
    assert found["LEADFLOW_CAPTURE_PUBLIC_URL"] == "https://sales.example.com/capture"
    assert found["LEADFLOW_CAPTURE_TRUSTED_PROXIES"] == "1"
    assert found["LEADFLOW_OUTREACH_PUBLIC_URL"] == own["value"]


@pytest.mark.parametrize(
    ("hostnames", "expected"),
    [
        (["sales.example.com", "b.example.com"], "https://sales.example.com/goals"),
        (["*.example.com"], None),
        ([], None),
    ],
)
def test_every_service_knows_the_path_that_a_gateway_puts_it_below(hostnames: list[str], expected: str | None) -> None:
    route = {"httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway"}], "hostnames": hostnames}}
    objects = pods(rendered(route))
    visitor = {"name": "LEADFLOW_CAPTURE_TRUSTED_PROXIES", "value": "1"}
    assert visitor in objects["leadflow-capture-api"]["containers"][0]["env"], "else all visitors share one limit"
    env = objects["leadflow-goals-api"]["containers"][0]["env"]
    assert {entry["name"]: entry.get("value") for entry in env}.get("LEADFLOW_GOALS_PUBLIC_URL") == expected


def test_migrations_show_the_certificate_that_the_server_asks_for_and_make_as_many_partitions_as_asked_for() -> None:
    job = named(rendered(merged(SWITCHES["certificates"], {"migrations": {"partitions": 24}})), "Job")
    env = {entry["name"]: entry["value"] for entry in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert env["LEADFLOW_DATABASE_CERTIFICATE_FILE"] == "/secrets/owner/tls.crt"
    assert env["LEADFLOW_KAFKA_PARTITIONS"] == "24"


def test_keda_knows_who_vouches_for_the_brokers() -> None:
    values = {
        "kafka": {"securityProtocol": "SSL", "caSecret": "kafka-ca"},
        "defaults": {"consumers": {"autoscaling": {"enabled": True}}},
    }
    references = named(rendered(values), "TriggerAuthentication", "leadflow-goals-consumers")["spec"]["secretTargetRef"]
    assert references == [{"parameter": "ca", "name": "kafka-ca", "key": "ca.crt"}]


@pytest.mark.parametrize(
    ("bootstrap", "seen"),
    [
        ("kafka:9092", "kafka.sales.svc:9092"),
        ("kafka.sales:9092,b-1.msk.example.com:9096", "kafka.sales:9092,b-1.msk.example.com:9096"),
        ("a:9092,b:9093", "a.sales.svc:9092,b.sales.svc:9093"),
        ("10.0.0.7:9092,[fd00::7]:9092", "10.0.0.7:9092,[fd00::7]:9092"),
    ],
)
def test_keda_finds_the_brokers_from_a_namespace_of_its_own(bootstrap: str, seen: str) -> None:
    values = {"kafka": {"bootstrap": bootstrap}, "defaults": {"consumers": {"autoscaling": {"enabled": True}}}}
    (trigger,) = named(rendered(values), "ScaledObject", "leadflow-goals-consumers")["spec"]["triggers"]
    assert trigger["metadata"]["bootstrapServers"] == seen


def test_keda_gets_a_token_as_the_consumers_do() -> None:
    values = merged(SWITCHES["tokens"], {"defaults": {"consumers": {"autoscaling": {"enabled": True}}}})
    objects = rendered(values)
    (trigger,) = named(objects, "ScaledObject", "leadflow-goals-consumers")["spec"]["triggers"]
    assert (trigger["metadata"]["tls"], trigger["metadata"]["sasl"]) == ("enable", "oauthbearer")
    users = named(objects, "Secret", "leadflow-kafka-users")["stringData"]
    references = named(objects, "TriggerAuthentication", "leadflow-goals-consumers")["spec"]["secretTargetRef"]
    known = {"leadflow-kafka-users": users, "leadflow-goals": {"client-secret": "from the existing secret"}}
    assert {each["parameter"]: known[each["name"]][each["key"]] for each in references} == {
        "username": "leadflow-goals",
        "password": "from the existing secret",
        "oauthTokenEndpointUri": "https://id.example.com/token",
        "scopes": "kafka",
    }


def test_what_is_scaled_has_a_disruption_budget_once_it_never_runs_alone() -> None:
    services = {
        service: {"consumers": {"autoscaling": {"enabled": True, "minReplicas": least}}}
        for service, least in (("goals", 2), ("stages", 1))
    }
    budgets = [each for each in rendered({"services": services}) if each["kind"] == "PodDisruptionBudget"]
    names = {each["metadata"]["name"] for each in budgets}
    assert "leadflow-goals-consumers" in names and "leadflow-stages-consumers" not in names

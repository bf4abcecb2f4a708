"""What the chart opens, names and asks for around the pods: policies, links, certificates, who vouches for whom."""

import pytest

from tests.chart.helm import merged, named, pods, rendered
from tests.chart.switches import SWITCHES


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
    env = pods(rendered(route))["leadflow-goals-api"]["containers"][0]["env"]
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

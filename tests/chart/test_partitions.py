"""One value says how many partitions a topic has, for all that depends on it; those of a topic that is there stay."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from shared.events import CATALOGUE
from shared.events.topics import PARTITIONS
from tests.chart.helm import CHART, MINIMAL, merged, named, rendered, run
from tests.chart.switches import SWITCHES

TEMPLATE = ("template", "leadflow", str(CHART), "--kube-version", "1.34.0")
IN_KAFKA = SWITCHES["strimzi in a namespace of its own"]


def partitions(*values: dict[str, Any]) -> tuple[set[int], str]:
    """Those of the topics that Strimzi makes, and those that the migrations make."""
    objects = rendered(SWITCHES["strimzi"], *values)
    env = named(objects, "Job")["spec"]["template"]["spec"]["containers"][0]["env"]
    (by_migrations,) = [entry["value"] for entry in env if entry["name"] == "LEADFLOW_KAFKA_PARTITIONS"]
    return {o["spec"]["partitions"] for o in objects if o["kind"] == "KafkaTopic"}, by_migrations


def test_topics_have_as_many_partitions_whoever_makes_them() -> None:
    assert partitions() == ({PARTITIONS}, str(PARTITIONS))
    assert partitions({"migrations": {"partitions": 24}}) == ({24}, "24")


@pytest.mark.parametrize(
    ("consumers", "what"),
    [
        ({"replicas": 13}, "replicas is 13"),
        ({"autoscaling": {"enabled": True, "maxReplicas": 13}}, "autoscaling.maxReplicas is 13"),
    ],
)
def test_more_consumers_than_partitions_are_refused(consumers: dict[str, Any], what: str) -> None:
    values = {"services": {"stages": {"consumers": consumers}}}
    done = run(*TEMPLATE, values=merged(MINIMAL, values))
    assert f"services.stages.consumers.{what}, and migrations.partitions {PARTITIONS}" in done.stderr
    assert rendered(values, {"migrations": {"partitions": 13}})


def test_what_does_not_scale_is_not_measured_by_how_far_it_would() -> None:
    assert rendered({"migrations": {"partitions": 2}, "defaults": {"consumers": {"autoscaling": {"maxReplicas": 6}}}})


def test_topics_and_users_are_made_where_the_operators_of_kafka_look() -> None:
    for switch, expected in (("strimzi", "sales"), ("strimzi in a namespace of its own", "kafka")):
        made = [o for o in rendered(SWITCHES[switch]) if o["kind"] in ("KafkaTopic", "KafkaUser")]
        assert len(made) > len(CATALOGUE)
        assert {o["metadata"]["namespace"] for o in made} == {expected}


class Cluster(BaseHTTPRequestHandler):
    """As much of an API server as a lookup asks for: in the namespace kafka one topic has 24 partitions."""

    def do_GET(self) -> None:
        group = "/apis/kafka.strimzi.io/v1"
        kind = {"name": "kafkatopics", "singularName": "kafkatopic", "namespaced": True, "kind": "KafkaTopic"}
        named = {"name": "kafka.strimzi.io", "versions": [{"groupVersion": group[6:], "version": "v1"}]}
        answers: dict[str, dict[str, Any]] = {
            "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": []},
            "/apis": {"kind": "APIGroupList", "groups": [named | {"preferredVersion": named["versions"][0]}]},
            group: {"kind": "APIResourceList", "groupVersion": group[6:], "resources": [kind | {"verbs": ["get"]}]},
            f"{group}/namespaces/kafka/kafkatopics/stage.changed": {
                "apiVersion": group[6:],
                "kind": "KafkaTopic",
                "metadata": {"name": "stage.changed", "namespace": "kafka"},
                "spec": {"partitions": 24},
            },
        }
        missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        found = answers.get(self.path.partition("?")[0])
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(found or missing).encode())

    def log_message(self, *_: Any) -> None:
        """The test says what it has to say."""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[Path]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Cluster)
    Thread(target=server.serve_forever, daemon=True).start()
    file = tmp_path / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
    context = {"name": "c", "context": {"cluster": "c", "user": ""}}
    file.write_text(yaml.safe_dump({"clusters": [cluster], "contexts": [context], "current-context": "c"}))
    yield file
    server.shutdown()
    server.server_close()


def test_a_value_that_would_raise_the_partitions_of_a_topic_that_is_there_is_refused(kubeconfig: Path) -> None:
    look = (*TEMPLATE, "--dry-run=server", "--kubeconfig", str(kubeconfig))
    refused = run(*look, values=merged(MINIMAL, IN_KAFKA))
    assert "migrations.partitions is 12, and the topic stage.changed has 24 partitions" in refused.stderr
    # What comes after the templates asks for more of an API server than there is here.
    done = run(*look, values=merged(MINIMAL, IN_KAFKA, {"migrations": {"partitions": 24}}))
    assert "migrations.partitions" not in done.stderr

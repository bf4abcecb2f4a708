"""The chart, rendered by helm: every switch, against the schemas of Kubernetes and of the operators."""

import json
import re
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from deploy import chart_files
from services.outreach.settings import Settings
from shared.events import CATALOGUE
from shared.messaging.connection import KafkaSecurity
from shared.names import PARTS, SERVICES
from tests.chart.helm import CHART, MINIMAL, ROOT, merged, named, pods, rendered, run
from tests.chart.switches import SECURED, SWITCHES

SCHEMAS = {
    (schema["apiVersion"], schema["kind"]): schema["spec"]
    for schema in (json.loads(file.read_text()) for file in (Path(__file__).parent / "schemas").glob("*.json"))
}
KUBERNETES = "1.34"


def problems(objects: list[dict[str, Any]]) -> list[str]:
    """What Kubernetes, or an operator, would refuse."""
    found = []
    for each in objects:
        if reason := _refusal(_SERVICE.sub("stages", json.dumps(each))):
            found.append(f"{each['kind']} {each['metadata']['name']}: {reason}")
    return found


_SERVICE = re.compile("|".join(SERVICES))
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
"""Of an object: a DNS subdomain (RFC 1123)."""


@cache
def _refusal(text: str) -> str | None:
    """Why an object would be refused. The same object of six services is looked at once: validating is slow."""
    each = json.loads(text)
    name = each["metadata"]["name"]
    if not _NAME.fullmatch(name):
        return f"the name {name} is none"
    try:
        if spec := SCHEMAS.get((each["apiVersion"], each["kind"])):
            jsonschema.Draft202012Validator(spec).validate(each["spec"])
        else:
            kubernetes_validate.validate(each, KUBERNETES, strict=True)
    except (jsonschema.ValidationError, kubernetes_validate.ValidationError) as error:
        return str(error.message)
    return None


@pytest.mark.parametrize("switch", SWITCHES)
def test_every_switch_renders_objects_that_kubernetes_and_the_operators_accept(switch: str) -> None:
    objects = rendered(SWITCHES[switch])
    assert problems(objects) == []
    names = [(o["kind"], o["metadata"]["name"]) for o in objects]
    assert len(names) == len(set(names))
    assert all(len(name) <= 63 for _, name in names)


def test_the_example_of_the_installations_page_is_taken_as_it_stands() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "operations" / "install.md").read_text(), re.DOTALL)
    values = yaml.safe_load(example)
    assert problems(rendered(values)) == []
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values["ingress"]["annotations"] == defaults["ingress"]["annotations"]


def test_an_object_that_would_be_refused_is_found() -> None:
    objects = rendered(SWITCHES["scaled"])
    named(objects, "ScaledObject", "leadflow-stages-consumers")["spec"]["maxReplicas"] = 3
    named(objects, "Deployment", "leadflow-stages-api")["spec"]["replica"] = 3
    assert len(problems(objects)) == 2


def test_the_chart_passes_helms_own_linter() -> None:
    done = run("lint", str(CHART), "--strict", values=MINIMAL)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("switch", ["nothing", "secured", "everything about pods"])
def test_every_pod_is_restricted(switch: str) -> None:
    """The level `restricted` of the Pod Security Standards, and a root that cannot be written."""
    for name, pod in pods(rendered(SWITCHES[switch])).items():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["capabilities"] == {"drop": ["ALL"]} and not security["allowPrivilegeEscalation"]
            assert security["readOnlyRootFilesystem"], name
            assert container["resources"]["requests"]["memory"] and container["resources"]["limits"]["memory"]
            assert "cpu" not in container["resources"]["limits"], "a limit on the processor only makes leads late"
            assert not container["image"].endswith(":latest")
        for volume in pod.get("volumes", []):
            assert volume.keys() & {"secret", "emptyDir"}


def test_every_part_of_every_service_runs_by_the_entry_point() -> None:
    objects = rendered()
    for service in SERVICES:
        for part in PARTS:
            (container,) = pods(objects)[f"leadflow-{service}-{part}"]["containers"]
            assert container["args"] == ["services", "run", service, "--only", part]


def test_the_settings_of_the_pods_are_settings_of_the_services() -> None:
    """A name that the code does not know would be lost in silence."""
    fields = {field.validation_alias for field in Settings.model_fields.values()}
    fields |= {f"LEADFLOW_OUTREACH_{name.upper()}" for name in Settings.model_fields}
    fields |= {f"LEADFLOW_KAFKA_{name.upper()}" for name in KafkaSecurity.model_fields}
    fields |= {
        f"LEADFLOW_OIDC_{name.upper()}"
        for name in type(Settings.model_fields["oidc"].get_default(call_default_factory=True)).model_fields
    }
    fields |= {f"LEADFLOW_DATABASE_{name}" for name in ("SSLMODE", "CA_FILE", "CERTIFICATE_FILE", "KEY_FILE")}
    for switch in ("secured", "certificates", "tokens", "addresses in secrets", "everything about pods"):
        (container,) = pods(rendered(SWITCHES[switch], {"defaults": {"workers": {"enabled": True}}}))[
            "leadflow-outreach-workers"
        ]["containers"]
        names = {entry["name"] for entry in container["env"]} - {"A"}
        assert {name for name in names if name not in fields and name.removesuffix("_FILE") not in fields} == set()


def test_secrets_are_named_and_never_contained() -> None:
    for switch in SWITCHES.values():
        for each in rendered(switch):
            if each["kind"] == "Secret":
                shown = set(each["stringData"]) - {"tokenUrl", "scope"}
                assert shown == set(SERVICES), "names of users, which KEDA reads from a secret"
    for pod in pods(rendered(SECURED)).values():
        for entry in chain.from_iterable(container.get("env", []) for container in pod["containers"]):
            assert "PASSWORD" not in entry["name"] or entry["name"].endswith("_FILE")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kafka": {"bootstrap": ""}}, "kafka.bootstrap is needed: the address of Kafka, as host:port"),
        ({"kafka": {"bootstrap": "kafka://kafka:9092"}}, "/kafka/bootstrap"),
        ({"kafka": {"securityProtocol": "SASL_SSL"}}, "/kafka/saslMechanism"),
        ({"kafka": {"saslMechanism": "PLAIN"}}, "/kafka/saslMechanism"),
        ({"postgres": {"url": ""}}, "postgres.url (or postgres.urlKey) is needed"),
        ({"postgres": {"secret": ""}}, "postgres.secret is needed"),
        ({"migrations": {"adminSecret": ""}}, "migrations.adminSecret, are needed"),
        ({"oidc": {"issuer": ""}}, "oidc.issuer is needed"),
        ({"oidc": {"roleMap": {"Boss": "owner"}}}, "/oidc/roleMap/Boss"),
        ({"image": {"tag": "latest"}}, "/image/tag"),
        ({"kafak": {}}, "kafak"),
        ({"services": {"captures": {}}}, "captures"),
        ({"serviceMonitor": {"enabled": True}}, "networkPolicy.monitoring is needed with serviceMonitor.enabled"),
        ({"cloudnativepg": {"parameters": {"max_connections": 500}}}, "/cloudnativepg/parameters/max_connections"),
        ({"strimzi": {"enabled": True}}, "strimzi.cluster is needed"),
        ({"httpRoute": {"enabled": True}}, "httpRoute.parentRefs is needed"),
        ({"services": {"goals": {"workers": {"autoscaling": {"enabled": True}}}}}, "/workers/autoscaling/enabled"),
        (
            {"services": {"goals": {"consumers": {"autoscaling": {"enabled": True, "minReplicas": 8}}}}},
            "services.goals.consumers.autoscaling.minReplicas is 8, and maxReplicas 6",
        ),
        (
            {"services": {"goals": {"api": {"autoscaling": {"enabled": True, "minReplicas": 0}}}}},
            "services.goals.api.autoscaling.minReplicas is 0: without an API nobody is answered",
        ),
    ],
)
def test_values_that_cannot_work_are_refused_with_their_place(values: dict[str, Any], message: str) -> None:
    done = run("template", "leadflow", str(CHART), values=merged(MINIMAL, values))
    assert done.returncode != 0
    assert message in done.stderr


def test_a_release_whose_services_would_have_too_long_names_is_refused() -> None:
    longest = "customer-success-europe-production1"
    names = [each["metadata"]["name"] for each in rendered(release=longest) if each["kind"] == "Service"]
    assert max(map(len, names)) == 63
    done = run("template", f"{longest}2", str(CHART), values=MINIMAL)
    assert done.returncode != 0
    assert "choose a release name of at most 35" in done.stderr


def test_a_budget_of_pods_that_stay_is_not_one_of_pods_that_may_go() -> None:
    objects = rendered({"defaults": {"api": {"podDisruptionBudget": {"minAvailable": 1}}}})
    budget = named(objects, "PodDisruptionBudget", "leadflow-stages-api")["spec"]
    assert budget["minAvailable"] == 1 and "maxUnavailable" not in budget
    assert named(rendered(), "PodDisruptionBudget", "leadflow-stages-api")["spec"]["maxUnavailable"] == 1


def test_the_owner_of_the_databases_may_log_in_by_a_certificate_alone() -> None:
    values = {
        "postgres": {"certificateKey": "tls.crt", "keyKey": "tls.key", "passwordKey": ""},
        "migrations": {
            "adminSecret": "",
            "ownerUrl": "postgresql://leadflow_owner@postgres:5432/leadflow_%s",
            "ownerSecret": "leadflow-owner",
            "ownerPasswordKey": "",
        },
    }
    (container,) = pods(rendered(values))["leadflow-migrate"]["containers"]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert env["LEADFLOW_DATABASE_CERTIFICATE_FILE"] == "/secrets/owner/tls.crt"
    assert not [name for name in env if "PASSWORD" in name]


def test_what_a_service_says_differently_wins_and_env_adds_up() -> None:
    values = {
        "defaults": {"api": {"env": [{"name": "A", "value": "all"}]}},
        "services": {
            "stages": {"api": {"replicas": 5, "env": [{"name": "B", "value": "own"}]}, "env": [{"name": "C"}]}
        },
    }
    objects = rendered(values)
    assert named(objects, "Deployment", "leadflow-stages-api")["spec"]["replicas"] == 5
    assert named(objects, "Deployment", "leadflow-goals-api")["spec"]["replicas"] == 2
    env = [entry["name"] for entry in pods(objects)["leadflow-stages-api"]["containers"][0]["env"]]
    assert env[-2:] == ["C", "B"]


OWN = [
    {"name": "LEADFLOW_CAPTURE_TRUSTED_PROXIES", "value": "2"},
    {"name": "LEADFLOW_CAPTURE_PUBLIC_URL", "value": "https://forms.example.com"},
    {"name": "LEADFLOW_OIDC_AUDIENCE", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
]


@pytest.mark.parametrize("switch", SWITCHES)
def test_no_variable_stands_twice_and_what_somebody_sets_wins(switch: str) -> None:
    """The API server refuses a name that stands twice."""
    part = {"env": [{"name": "LEADFLOW_CAPTURE_TRUSTED_PROXIES", "value": "3"}]}
    found = pods(rendered(SWITCHES[switch], {"services": {"capture": {"env": OWN, "api": part}}}))
    for pod in found.values():
        for container in pod["containers"]:
            names = [entry["name"] for entry in container.get("env", [])]
            assert len(names) == len(set(names))
    env = {entry["name"]: entry for entry in found["leadflow-capture-api"]["containers"][0]["env"]}
    assert env["LEADFLOW_CAPTURE_TRUSTED_PROXIES"]["value"] == "3", "the part's over the service's"
    assert [env[own["name"]] for own in OWN[1:]] == OWN[1:]


def test_migrations_run_before_the_rollout_unless_the_release_makes_what_they_need() -> None:
    hook = named(rendered(), "Job")
    assert hook["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    for switch in ("strimzi", "cloudnativepg"):
        job = named(rendered(SWITCHES[switch]), "Job")
        assert "annotations" not in job["metadata"]
        assert job["metadata"]["name"] == "leadflow-migrate-1"
    (container,) = hook["spec"]["template"]["spec"]["containers"]
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_the_grace_period_is_longer_than_what_a_stop_may_take() -> None:
    pod = pods(rendered({"defaults": {"api": {"drainSeconds": 7.5, "graceSeconds": 30}}}))["leadflow-stages-api"]
    assert pod["terminationGracePeriodSeconds"] >= 7.5 + 2 * 30


def test_topics_and_rights_are_those_of_the_code() -> None:
    assert chart_files.FILE.read_text() == chart_files.content(), "python -m deploy.chart_files"
    objects = rendered(SWITCHES["strimzi"])
    topics = [o for o in objects if o["kind"] == "KafkaTopic"]
    assert [o["spec"]["topicName"] for o in topics] == list(CATALOGUE)
    assert topics[0]["spec"]["config"]["max.message.bytes"] == "1048576"
    users = {o["metadata"]["name"]: o for o in objects if o["kind"] == "KafkaUser"}
    assert {f"leadflow-{service}" for service in SERVICES} < set(users)
    rights = users["leadflow-other-systems"]["spec"]["authorization"]["acls"]
    assert {"type": "group", "name": "leadflow-other-systems", "patternType": "prefix"} in [
        right["resource"] for right in rights
    ]


def test_two_releases_stand_beside_each_other() -> None:
    first, second = ({(o["kind"], o["metadata"]["name"]) for o in rendered(release=name)} for name in ("a", "b"))
    assert first & second == set()


def test_the_notes_say_what_to_do_next() -> None:
    done = run("install", "leadflow", str(CHART), "--dry-run=client", "--namespace", "sales", values=MINIMAL)
    assert done.returncode == 0, done.stderr
    assert "helm -n sales test leadflow" in done.stdout
    assert "prometheusRule.enabled" in done.stdout and "networkPolicy.monitoring" in done.stdout


def test_the_defaults_are_valid_yaml_with_a_comment_for_what_is_needed() -> None:
    text = (CHART / "values.yaml").read_text()
    values = yaml.safe_load(text)
    assert set(values["services"]) == set(SERVICES)
    for needed in ("bootstrap", "secret", "issuer"):
        assert any(line.strip().startswith(f"{needed}:") and "needed" in line for line in text.splitlines())

"""What the compose file promises, claim by claim; each depends on those before it."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from shared.names import SERVICES
from tests.compose.project import NAME, TENANT, Project
from tests.kube.cluster import Failed, until

BROKER = "127.0.0.1:9092"
ONCE = ("keys", "migrate")
"""Services that do one thing and end."""
KEPT: dict[str, str] = {}
"""Leads of the claims before, by their address."""


def starts(project: Project) -> str:
    project.compose("up", "--build", "--wait", "--wait-timeout", "900")
    for service in project.services():
        state = project.container(service)["State"]
        if service in ONCE:
            as_it_should = (state["Status"], state["ExitCode"]) == ("exited", 0)
        else:
            as_it_should = state["Status"] == "running" and state["Health"]["Status"] == "healthy"
        if not as_it_should:
            raise Failed(f"{service} is {json.dumps(state)[:500]}")
    return f"{len(project.services())} services"


def is_restricted(project: Project) -> str:
    for service in SERVICES:
        found = project.container(service)
        host, user = found["HostConfig"], found["Config"]["User"]
        if not (host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and not host["CapAdd"] and user == "65532:65532"):
            raise Failed(f"{service} runs as {user!r} with {host['CapAdd']}, root read-only: {host['ReadonlyRootfs']}")
        writable = [mount["Destination"] for mount in found["Mounts"] if mount["RW"] and mount["Type"] == "volume"]
        if writable:
            raise Failed(f"{service} may write to {writable}")
    return "read-only, no capability, as the number 65532"


def commands_work(project: Project) -> str:
    domain = f"{uuid.uuid4().hex}.example"
    project.compose("run", "--rm", "leadflow", "tenants", "allow-domain", TENANT, domain)
    if domain not in project.compose("run", "--rm", "leadflow", "tenants", "domains", TENANT):
        raise Failed("a domain that was allowed is not listed")
    project.compose("run", "--rm", "leadflow", "dead-letters", "list", "goals")
    return "token, tenants, dead-letters"


def lead_by_http(project: Project) -> str:
    address = f"ada-{uuid.uuid4().hex}@analytical.example"
    lead = project.call(8101, "POST", "/v1/leads", json=_submission(address))["lead_id"]
    KEPT[address] = lead
    project.wait_for_stage(lead, "new")
    # Outreach may hear of the lead a moment later.
    ask = {"lead_id": lead, "kind": "first", "channel": "email"}
    until(lambda: project.ask(8105, "POST", "/v1/drafts", json=ask).status_code == 202, 60, "no draft can be asked for")
    draft = _draft(project, lead)
    if project.mails(address):
        raise Failed("a mail was sent that nobody approved")
    project.call(8105, "POST", f"/v1/drafts/{draft['draft_id']}/approve", json={"sha256": draft["sha256"]})
    mail = until(lambda: project.mails(address), 60, "the approved mail is not in the catcher")[0]
    if mail["Subject"] != draft["subject"]:
        raise Failed(f"the mail's subject is {mail['Subject']!r}, the draft's {draft['subject']!r}")
    project.wait_for_stage(lead, "contacted")
    return "captured, staged, drafted, approved, in the mail catcher, contacted"


def lead_by_kafka(project: Project) -> str:
    address = f"grace-{uuid.uuid4().hex}@navy.example"
    producer = Producer({"bootstrap.servers": BROKER, "partitioner": "murmur2_random", "message.timeout.ms": 30_000})
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid.uuid4()),
        "ce_type": "lead.submitted",
        "ce_source": "urn:example:website",
        "ce_time": datetime.now(UTC).isoformat(),
        "ce_tenantid": TENANT,
        "content-type": "application/json",
    }
    refused: list[Any] = []
    producer.produce(
        "lead.submitted",
        json.dumps(_submission(address)).encode(),
        headers=list(headers.items()),
        on_delivery=lambda error, _: refused.append(error) if error else None,
    )
    if producer.flush(40) or refused:
        raise Failed(f"Kafka at {BROKER} does not take a record from this machine: {refused}")
    found = until(
        lambda: project.call(8101, "GET", "/v1/leads", params={"email": address})["items"],
        60,
        "capture has no such lead",
    )
    KEPT[address] = found[0]["lead_id"]
    project.wait_for_stage(found[0]["lead_id"], "new")
    return f"published at {BROKER}, captured, staged"


def no_token_in_the_logs(project: Project) -> str:
    logs = project.compose("logs", "--no-color")
    if project.token in logs or "eyJ" in logs:
        raise Failed("the logs contain a token")
    if address := next((address for address in KEPT if address in logs), None):
        raise Failed(f"the logs contain the address {address}")
    return f"{logs.count(chr(10))} lines"


def volumes_have_names(project: Project) -> str:
    """A volume without a name would be a new one after each `down`, and the old one would stay behind."""
    for service in project.services():
        volumes = [mount["Name"] for mount in project.container(service)["Mounts"] if mount["Type"] == "volume"]
        if nameless := [name for name in volumes if not name.startswith(f"{NAME}_")]:
            raise Failed(f"{service} has volumes that the file does not name: {nameless}")
    return "each is one of the file's"


def data_are_kept(project: Project) -> str:
    stages = {lead: project.stage_of(lead) for lead in KEPT.values()}
    mails = {address: len(project.mails(address)) for address in KEPT}
    events = _events("stage.changed")
    # Nobody is killed: each ends what is under way, in the time that it is given.
    project.compose("stop")
    for service in project.services():
        if (code := project.container(service)["State"]["ExitCode"]) == 137:
            raise Failed(f"{service} did not stop in time and was killed ({code})")
    project.compose("down")
    project.compose("up", "--wait", "--wait-timeout", "600")
    if (now := {lead: project.stage_of(lead) for lead in KEPT.values()}) != stages:
        raise Failed(f"the leads were {stages} and are {now}")
    if (seen := {address: len(project.mails(address)) for address in KEPT}) != mails:
        raise Failed(f"the catcher had {mails} and has {seen}")
    if _events("stage.changed") < events:
        raise Failed(f"Kafka had {events} records of stage.changed and has {_events('stage.changed')}")
    lead_by_http(project)
    return f"{len(stages)} leads, {sum(mails.values())} mails, {events} records of one topic; another lead went through"


def nothing_is_left(project: Project) -> str:
    project.compose("--profile", "*", "down", "--volumes", "--remove-orphans")
    mine = f"label=com.docker.compose.project={NAME}"
    for kind, words in (
        ("containers", ("ps", "-aq")),
        ("volumes", ("volume", "ls", "-q")),
        ("networks", ("network", "ls", "-q")),
    ):
        if left := project.docker(*words, "--filter", mine).split():
            raise Failed(f"{kind} are left: {left}")
    return "containers, volumes, network"


CLAIMS: list[tuple[str, Callable[[Project], str]]] = [
    ("`docker compose up --build --wait` starts everything", starts),
    ("The services may do little", is_restricted),
    ("Commands work in a container", commands_work),
    ("A lead that comes by HTTP gets its mail", lead_by_http),
    ("A lead comes by Kafka from this machine", lead_by_kafka),
    ("The logs keep secrets and addresses to themselves", no_token_in_the_logs),
    ("Volumes have names", volumes_have_names),
    ("Data are kept when all is taken down and comes back", data_are_kept),
    ("`docker compose down --volumes` leaves nothing", nothing_is_left),
]


def _submission(address: str) -> dict[str, Any]:
    return {
        "source": "website",
        "email": address,
        "full_name": "Ada Lovelace",
        "company": "Analytical Ltd",
        "consent": {"email": "granted"},
    }


def _draft(project: Project, lead: str) -> dict[str, Any]:
    asked = {"state": "pending", "lead_id": lead, "kind": "first"}
    found: list[dict[str, Any]] = until(
        lambda: project.call(8105, "GET", "/v1/drafts", params=asked)["items"], 60, "no draft was written"
    )
    return found[0]


def _events(topic: str) -> int:
    """How many records Kafka has of a topic."""
    consumer = Consumer({"bootstrap.servers": BROKER, "group.id": "leadflow-try"})
    try:
        partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        ends = [consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30) for number in partitions]
        return sum(high - low for low, high in ends)
    except KafkaException as error:
        raise Failed(f"Kafka at {BROKER} does not answer: {error}") from None
    finally:
        consumer.close()

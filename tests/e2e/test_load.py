"""Two thousand leads while services are killed: nothing is lost or repeated, and each lead's events are in order."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import httpx
import psutil
import pytest

from shared.testing.builders import ALead
from shared.testing.bus import Bus, Seen
from tests.local_run import LEADFLOW, LocalRun
from tests.oracle import Record, captured_complaints, in_order, journey_complaints, score_complaints

LEADS = 2_000
KILLED = ("capture", "scoring", "stages", "stages", "scoring", "capture")
"""The service that is killed in each part of the load."""


@pytest.fixture
def second_replica_of_stages(system: LocalRun) -> Iterator[None]:
    command = [*LEADFLOW, "services", "run", "stages", "--port", "0", "--data", str(system.data)]
    with (system.data / "second.log").open("wb") as log:
        replica = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield
        assert replica.poll() is None, "the second replica ended before the test did"
    finally:
        replica.terminate()
        replica.wait(30)


class Load:
    """Submits leads, half by Kafka and half by HTTP, and sends and answers a message for each captured lead."""

    def __init__(self, system: LocalRun, bus: Bus, tenant: str) -> None:
        self.system, self.bus, self.tenant = system, bus, tenant
        self._contacted: set[str] = set()

    def submit(self, numbers: Sequence[int]) -> None:
        for number in numbers[::2]:
            self.bus.publish("lead.submitted", self._lead(number), tenant=self.tenant)
        self.bus.flush()
        client = self.system.client("capture", self.tenant, "service")
        by_http = numbers[1::2]
        for start in range(0, len(by_http), 25):
            batch = [self._lead(number) for number in by_http[start : start + 25]]
            results = self._post_until_answered(client, {"leads": batch}, key=f"{self.tenant}-{by_http[start]}")
            assert {result["status"] for result in results} <= {200, 201}

    def _lead(self, number: int) -> dict[str, str]:
        address = f"lead-{number}@firm-{number % 97}.example"
        return {"source": "load", "external_id": f"l-{number}", "email": address, "first_name": f"N{number}"}

    def _post_until_answered(self, client: httpx.Client, body: object, key: str) -> list[dict[str, int]]:
        """Repeat the request with the same Idempotency-Key until it is answered, as a careful client does."""
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = client.post("/v1/leads/batch", json=body, headers={"Idempotency-Key": key})
                if answer.status_code == 200:
                    return list(answer.json()["results"])
                assert answer.status_code in (409, 503), answer.text
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, "capture does not answer"
            time.sleep(0.1)

    def captured(self) -> list[Seen]:
        """The `lead.captured` events so far. For each new lead this publishes a sent message and a reply."""
        captured = self.bus.seen("lead.captured", tenant=self.tenant)
        for one in captured:
            if one.lead_id not in self._contacted:
                self._contacted.add(one.lead_id)
                lead = ALead(self.bus, self.tenant, one.lead_id)  # type: ignore[arg-type]
                lead.sent(time=datetime.now(UTC))
                lead.replied(time=datetime.now(UTC))
        return captured


async def until(condition: Callable[[], bool], within: float, failure: str) -> None:
    deadline = time.monotonic() + within
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, failure
        await asyncio.sleep(0.2)


async def kill(system: LocalRun, name: str) -> None:
    """Send SIGKILL, and wait until the supervisor has restarted the service."""
    pid = system.record.services[name].pid
    assert pid is not None
    psutil.Process(pid).kill()

    def is_restarted() -> bool:
        service = system.record.services[name]
        return service.pid not in (None, pid) and service.state == "ready"

    await until(is_restarted, 60, f"{name} was not restarted")


def queue(system: LocalRun, tenant: str, stage: str) -> dict[str, dict[str, object]]:
    client = system.client("stages", tenant, "viewer")
    items: dict[str, dict[str, object]] = {}
    cursor = None
    while True:
        params = {"stage": stage, "limit": 200} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/queue", params=params).raise_for_status().json()
        items |= {item["lead_id"]: item for item in page["items"]}
        cursor = page["next_cursor"]
        if cursor is None:
            return items


async def test_two_thousand_leads_are_processed_while_services_are_killed(
    system: LocalRun, bus: Bus, tenant: str, second_replica_of_stages: None
):
    load = Load(system, bus, tenant)
    part = LEADS // len(KILLED) + 1
    for n, killed in enumerate(KILLED):
        before = len(load.captured())
        numbers = range(n * part, min(LEADS, (n + 1) * part))
        submitting = asyncio.create_task(asyncio.to_thread(load.submit, numbers))
        await bus.read("lead.captured", tenant=tenant, count=before + 21, within=60)
        if killed != "capture":  # which is killed in the middle of its own work, the others in that of replies too
            load.captured()
        await kill(system, killed)
        await submitting

    await until(lambda: len({s.lead_id for s in load.captured()}) >= LEADS, 90, "not all leads were captured")
    await asyncio.to_thread(bus.flush)

    def engaged() -> set[str]:
        return {one.lead_id for one in bus.seen("stage.changed", tenant=tenant) if one.data["to"] == "engaged"}

    await until(lambda: len(engaged()) >= LEADS, 90, "not all leads reached engaged")
    captured = in_order(load.captured())
    assert captured_complaints(captured, {load._lead(n)["email"] for n in range(LEADS)}) == []

    def scored() -> dict[str, list[Record]]:
        return in_order(bus.seen("lead.scored", tenant=tenant))

    await until(lambda: scored().keys() == captured.keys(), 60, "a lead was not scored")
    assert journey_complaints(captured, in_order(bus.seen("stage.changed", tenant=tenant))) == []

    def complaints() -> list[str]:
        return score_complaints(captured, scored(), queue(system, tenant, "engaged"))

    await until(lambda: complaints() == [], 60, "scores are not those that scoring published last")
    for stage in ("engaged", "any"):
        assert queue(system, tenant, stage).keys() == captured.keys()
    for service in system.status()["services"]:
        assert (service["dead_letters"], service["outbox"]) == (0, 0), service

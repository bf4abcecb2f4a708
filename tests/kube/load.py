"""Runs in a pod: leads at a steady rate through the API and Kafka, an answer to each, and then the oracle.

`python -m tests.kube.load '{"tenant": ..., "rate": 20, ...}'` prints one line of JSON at the end: `complaints` is empty
when nothing was lost, doubled or out of order. It behaves as a careful client: one key for each request, the same again
when a request fails.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.oracle import captured_complaints, in_order, journey_complaints, score_complaints

BOOTSTRAP = os.environ.get("LEADFLOW_KAFKA_BOOTSTRAP", "kafka:9092")
TOPICS = ("lead.captured", "stage.changed", "lead.scored")
STOP = os.path.join(tempfile.gettempdir(), "stop")
"""The load flows until this file is there."""

WARM_UP = 10.0
"""Seconds until answers are timed: network policies let a new pod through a little late, and it has no connections."""

GIVE_UP = 240.0
"""Seconds after the last lead until all of them have to be where they belong."""


@dataclass(frozen=True)
class Seen:
    """A record as another system reads it."""

    data: dict[str, Any]
    headers: dict[str, str]
    partition: int
    offset: int

    @property
    def id(self) -> str:
        return self.headers["ce_id"]

    @property
    def lead_id(self) -> str:
        return self.headers["ce_subject"]


@dataclass
class Load:
    """One run of the load for one tenant."""

    tenant: str
    rate: float
    capture: str
    stages: str
    token: str
    emails: set[str] = field(default_factory=set)
    seen: dict[str, list[Seen]] = field(default_factory=lambda: {topic: [] for topic in TOPICS})
    answered: set[str] = field(default_factory=set)
    milliseconds: list[float] = field(default_factory=list)
    milliseconds_of_warm_up: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """What the first try of a request came to, where it was no success."""
    failed_twice: list[str] = field(default_factory=list)
    timed_from: float = 0.0

    async def run(self) -> dict[str, Any]:
        self.producer = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, acks="all", enable_idempotence=True)
        await self.producer.start()
        reading = asyncio.create_task(self._read())
        limits = httpx.Limits(max_connections=40, keepalive_expiry=2)
        async with httpx.AsyncClient(timeout=10, trust_env=False, limits=limits) as self.client:
            self.client.headers["Authorization"] = f"Bearer {self.token}"
            began, number = time.monotonic(), 0
            self.timed_from = began + WARM_UP
            async with asyncio.TaskGroup() as sending:  # a lead that is refused for good ends the load
                while not os.path.exists(STOP):  # noqa: ASYNC240 - it takes microseconds
                    sending.create_task((self._by_http if number % 2 else self._by_kafka)(number))
                    number += 1
                    await asyncio.sleep(max(0.0, began + number / self.rate - time.monotonic()))
                ended = time.monotonic()
                print(f"sent {number} leads", file=sys.stderr, flush=True)
            complaints = await self._settle()
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        await self.producer.stop()
        ordered = sorted(self.milliseconds or self.milliseconds_of_warm_up)
        return {
            "complaints": complaints,
            "leads": number,
            "per_second": round(number / (ended - began), 1),
            "seconds_to_settle": round(time.monotonic() - ended, 1),
            "p50_ms": round(ordered[len(ordered) // 2]),
            "p99_ms": round(ordered[int(len(ordered) * 0.99)]),
            "failed": len(self.failed),
            "failed_twice": len(self.failed_twice),
            "failures": sorted(set(self.failed))[:5],
        }

    async def _by_kafka(self, number: int) -> None:
        lead = self._lead(number)
        await self._publish("lead.submitted", lead, None, f"{self.tenant}-{number}")

    async def _by_http(self, number: int) -> None:
        lead, tries = self._lead(number), 0
        while True:
            began = time.monotonic()
            try:
                answer = await self.client.post(
                    f"{self.capture}/v1/leads", json=lead, headers={"Idempotency-Key": f"{self.tenant}-{number}"}
                )
                if answer.status_code in (400, 401, 403, 404, 422):
                    raise RuntimeError(f"refused for good with {answer.status_code}: {answer.text[:300]}")
                problem = "" if answer.status_code in (200, 201) else f"status {answer.status_code}"
            except httpx.TransportError as error:
                problem = type(error).__name__
            if tries == 0:
                timed = self.milliseconds if began > self.timed_from else self.milliseconds_of_warm_up
                timed.append((time.monotonic() - began) * 1_000)
            if not problem:
                return
            (self.failed if tries == 0 else self.failed_twice).append(problem)
            tries += 1
            await asyncio.sleep(min(2.0, 0.25 * 2**tries))

    async def _publish(self, type: str, data: dict[str, Any], subject: str | None, id: str) -> None:
        headers = {
            "ce_specversion": "1.0",
            "ce_id": id,
            "ce_type": type,
            "ce_source": "urn:test:load",
            "ce_time": datetime.now(UTC).isoformat(),
            "ce_tenantid": self.tenant,
            "content-type": "application/json",
        } | ({"ce_subject": subject} if subject else {})
        binary = [(name, value.encode()) for name, value in headers.items()]
        key = subject.encode() if subject else None
        while True:
            try:
                await self.producer.send_and_wait(type, json.dumps(data).encode(), key=key, headers=binary)
                return
            except KafkaError as error:
                print(f"{type}: {error!r}", file=sys.stderr, flush=True)
                await asyncio.sleep(1)

    def _lead(self, number: int) -> dict[str, str]:
        email = f"lead-{number}@firm-{number % 97}.example"
        self.emails.add(email)
        return {"source": "load", "external_id": f"l-{number}", "email": email, "first_name": f"N{number}"}

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(*TOPICS, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest")
        await consumer.start()
        try:
            while True:
                for partition, records in (await consumer.getmany(timeout_ms=500)).items():
                    for record in records:
                        headers = {name: value.decode() for name, value in record.headers}
                        if headers.get("ce_tenantid") == self.tenant:
                            seen = Seen(json.loads(record.value), headers, record.partition, record.offset)
                            self.seen[partition.topic].append(seen)
                new = {one.lead_id for one in self.seen["lead.captured"]} - self.answered
                self.answered |= new
                await asyncio.gather(*map(self._contact, new))  # one after the other fell behind on a busy node
        finally:
            await consumer.stop()

    async def _contact(self, lead: str) -> None:
        """A message was sent to the lead, and it answered."""
        now = datetime.now(UTC).isoformat()
        sent = {"message_id": f"{lead}@example.com", "draft_id": str(uuid4()), "channel": "email", "kind": "first"}
        reply = {"reply_id": str(uuid4()), "channel": "email", "label": "interested", "confidence": 0.9}
        await self._publish("message.sent", sent, lead, f"sent-{lead}")
        await self._publish("reply.received", {**reply, "method": "rule", "labelled_at": now}, lead, f"reply-{lead}")

    async def _settle(self) -> list[str]:
        """What is wrong, once nothing is any more or time is up."""
        deadline = time.monotonic() + GIVE_UP
        while True:
            complaints = await self._complaints()
            if not complaints or time.monotonic() > deadline:
                return complaints[:10]
            await asyncio.sleep(1)

    async def _complaints(self) -> list[str]:
        captured, changed, scored = (in_order(self.seen[topic]) for topic in TOPICS)
        complaints = captured_complaints(captured, self.emails)
        complaints += journey_complaints(captured, changed)
        if complaints:
            return complaints
        try:
            return score_complaints(captured, scored, await self._queue())
        except httpx.HTTPError as error:
            return [f"the queue cannot be read: {error!r}"]

    async def _queue(self) -> dict[str, dict[str, Any]]:
        items: dict[str, dict[str, Any]] = {}
        cursor = None
        while True:
            params = {"stage": "engaged", "limit": 200} | ({"cursor": cursor} if cursor else {})
            answer = await self.client.get(f"{self.stages}/v1/queue", params=params)
            page = answer.raise_for_status().json()
            items |= {item["lead_id"]: item for item in page["items"]}
            cursor = page["next_cursor"]
            if cursor is None:
                return items


if __name__ == "__main__":
    result = asyncio.run(Load(**json.loads(sys.argv[1])).run())
    print(json.dumps(result), flush=True)
    sys.exit(1 if result["complaints"] else 0)

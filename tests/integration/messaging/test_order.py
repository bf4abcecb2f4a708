"""A lead's events leave in order, whatever dies: the promise of the outbox and its relay."""

import asyncio
import json
import random
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import defaultdict
from uuid import uuid4

import asyncpg

from deploy.local.process import die_with_parent
from shared.events import LeadBecameHot
from shared.ids import uuid7
from shared.store import outbox

LEADS = 40
DEATHS = 5
EVENTS = 1_000
LONGEST = 90.0


class Replicas:
    """Three processes of one service; those that die are started again until `stop`."""

    def __init__(self, given: dict) -> None:
        self.given = given
        self.deaths = 0
        self._running: list[Process | None] = [None, None, None]
        self._watchers: list[asyncio.Task] = []
        self._stopping = False

    async def start(self) -> None:
        self._watchers = [asyncio.create_task(self._keep(number)) for number in range(3)]

    async def _keep(self, number: int) -> None:
        while not self._stopping:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.integration.messaging.replica",
                stdin=PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
            self._running[number] = process
            line = json.dumps({**self.given, "seed": random.randrange(1 << 30)}) + "\n"
            process.stdin.write(line.encode())
            await process.wait()
            self.deaths += not self._stopping

    def kill_one(self) -> None:
        process = random.choice(self._running)
        if process is not None and process.returncode is None:
            process.kill()

    async def stop(self) -> None:
        self._stopping = True
        for process in self._running:
            if process is not None and process.returncode is None:
                process.kill()
        await asyncio.gather(*self._watchers)


def out_of_order(seen: list) -> list[str]:
    """For each lead, the first occurrences of its sequence numbers must be 1..n, in the order of its partition."""
    streams: dict[str, list[int]] = defaultdict(list)
    known: set[tuple[str, str]] = set()
    for one in sorted(seen, key=lambda s: (s.partition, s.offset)):
        if (one.lead_id, one.id) not in known:
            known.add((one.lead_id, one.id))
            streams[one.lead_id].append(int(one.headers["ce_sequence"]))
    return [f"{lead}: {numbers}" for lead, numbers in streams.items() if numbers != list(range(1, len(numbers) + 1))]


async def run_replicas(backend, bus, tenant: str, *, seconds: float) -> int:
    leads = [uuid7() for _ in range(LEADS)]
    settings = {**backend.settings("stages"), "consumer_group": f"order-{uuid4().hex[:8]}", "batch_records": 20}
    replicas = Replicas({"settings": settings, "tenant": tenant, "leads": [str(lead) for lead in leads]})
    await replicas.start()
    try:
        deadline, beat = time.monotonic() + seconds, 0
        while time.monotonic() < deadline and (
            replicas.deaths < DEATHS or len(bus.seen("lead.became_hot", tenant=tenant)) < EVENTS
        ):
            for lead in random.sample(leads, 8):
                bus.publish("engagement.recorded", {"kind": "visit"}, tenant=tenant, subject=lead)
            beat += 1
            if beat % 50 == 0:
                replicas.kill_one()
            await asyncio.sleep(0.05)
    finally:
        await replicas.stop()
    return replicas.deaths


async def drained(start, tenant: str, eventually) -> None:
    """What the dead replicas left in the outbox is sent by a live one."""
    stages = await start("stages")

    async def empty() -> bool:
        async with stages.database.worker() as work:
            row = await work.fetch_one("SELECT count(*) AS n FROM outbox WHERE tenant_id = :t", t=tenant)
        return row["n"] == 0

    await eventually(empty)


async def test_first_occurrences_of_a_leads_events_are_in_order_whatever_dies(backend, bus, tenant, start, eventually):
    deaths = await run_replicas(backend, bus, tenant, seconds=LONGEST)
    await drained(start, tenant, eventually)
    assert deaths >= DEATHS, "too little died: the test did not test"
    async with (await start("stages")).database.worker() as work:
        rows = await work.fetch("SELECT lead_id, sent FROM lead_stream WHERE tenant_id = :t", t=tenant)
    stored = {row["lead_id"]: row["sent"] for row in rows}
    total = sum(stored.values())
    seen = await bus.read("lead.became_hot", tenant=tenant, count=total)
    assert total >= EVENTS
    assert out_of_order(seen) == []
    assert len({(one.lead_id, one.id) for one in seen}) == total, "an event was lost or made up"


async def two_writers(database, bus, tenant: str, lead) -> list[int]:
    """One writer has written its event and does not commit yet; the other comes meanwhile.

    The totals of their two events, 1 and 2, in the order in which a reader gets them.
    """
    written, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with database.worker([tenant]) as work:
            write_events = work.write_events

            async def commits_later():
                has_events = await write_events()
                written.set()
                await go_on.wait()
                return has_events

            work.write_events = commits_later
            work.emit(LeadBecameHot(total=1, threshold=0), tenant=tenant, subject=lead)

    async def quick() -> None:
        await written.wait()
        async with database.worker([tenant]) as work:
            work.emit(LeadBecameHot(total=2, threshold=0), tenant=tenant, subject=lead)

    def of_lead(seen) -> bool:
        return seen.lead_id == str(lead)

    slow_one, quick_one = asyncio.create_task(slow()), asyncio.create_task(quick())
    await asyncio.wait([quick_one], timeout=1)
    if quick_one.done():
        await bus.read("lead.became_hot", tenant=tenant, where=of_lead)
    go_on.set()
    await asyncio.gather(slow_one, quick_one)
    seen = await bus.read("lead.became_hot", tenant=tenant, where=of_lead, count=2)
    return [one.data["total"] for one in sorted(seen, key=lambda one: one.offset)]


async def test_the_streams_lock_holds_until_the_commit_and_without_it_the_order_is_lost(
    bus, tenant, start, monkeypatch
):
    stages = await start("stages")
    assert await two_writers(stages.database, bus, tenant, uuid7()) == [1, 2]
    numbers = outbox._ADD.index("SELECT * FROM unnest"), outbox._ADD.index("ON CONFLICT")
    unlocked = outbox._ADD[numbers[0] : numbers[1]] + "AS t (tenant_id, lead_id, sent)"
    rest = outbox._ADD[outbox._ADD.index("INSERT INTO outbox") :]
    monkeypatch.setattr(outbox, "_ADD", f"WITH stream AS ({unlocked}) {rest}")
    assert await two_writers(stages.database, bus, tenant, uuid7()) == [2, 1]


async def test_an_event_gets_its_place_in_the_outbox_after_the_lock_of_its_leads_stream(backend, tenant, start):
    stages = await start("stages", consumer_group=f"order-{uuid4().hex[:8]}")
    lead = uuid7()

    async def emit() -> None:
        async with stages.database.worker([tenant]) as work:
            work.emit(LeadBecameHot(total=1, threshold=0), tenant=tenant, subject=lead)

    await emit()
    owner = await asyncpg.connect(backend.owner_url("stages"))
    places = "SELECT last_value FROM pg_sequences WHERE sequencename = 'outbox_id_seq'"
    try:
        async with owner.transaction():
            await owner.execute("SELECT FROM lead_stream WHERE lead_id = $1 FOR UPDATE", str(lead))
            before = await owner.fetchval(places)
            waiting = asyncio.create_task(emit())
            await asyncio.wait([waiting], timeout=0.5)
            assert not waiting.done()
            assert await owner.fetchval(places) == before
        await waiting
        assert await owner.fetchval(places) > before
    finally:
        await owner.close()

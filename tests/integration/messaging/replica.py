"""One replica of a small service, for the test of order: it consumes, writes as an HTTP API would, and dies at times.

Run as `python -m tests.integration.messaging.replica` with a JSON object of settings on standard input.
"""

import asyncio
import json
import os
import random
import sys
from contextlib import suppress
from typing import Any
from uuid import UUID

from shared.events import EngagementRecorded, LeadBecameHot, Received
from shared.messaging import relay
from shared.service import Service
from shared.settings import ServiceSettings, service_config


class Settings(ServiceSettings):
    model_config = service_config("stages")


async def answer(work: Any, batch: list[Received[EngagementRecorded]]) -> None:
    """Lock the leads in order, as every use case does, then publish two events for each."""
    for received in batch:
        for number in range(2):
            work.emit(LeadBecameHot(total=number, threshold=0), tenant=received.tenant, subject=received.lead_id)


async def write(service: Service, tenant: str, leads: list[UUID], chance: random.Random) -> None:
    """What an HTTP API does: short transactions on any lead, beside the consumer."""
    while True:
        with suppress(Exception):  # the writer of a test goes on whatever happens
            async with service.database.tenant(tenant) as work:
                for lead in chance.sample(leads, 3):
                    work.emit(LeadBecameHot(total=2, threshold=0), tenant=tenant, subject=lead)
        await asyncio.sleep(chance.uniform(0, 0.02))


def die_at_times(chance: random.Random, how_often: float) -> None:
    """Let the relay end the process between take, send and commit."""
    send = relay.Relay._send

    async def sends(self: relay.Relay, producer: Any, rows: Any) -> None:
        if chance.random() < how_often:
            os._exit(3)
        await send(self, producer, rows)
        if chance.random() < how_often:
            os._exit(4)

    relay.Relay._send = sends  # type: ignore[method-assign]


async def main() -> None:
    given = json.loads(sys.stdin.readline())
    chance = random.Random(given["seed"])
    relay.PAGE = 7
    die_at_times(chance, 0.004)
    service = Service("stages", Settings(**given["settings"]))
    service.consume(answer, reads=[EngagementRecorded])
    leads = [UUID(lead) for lead in given["leads"]]
    async with service.app.router.lifespan_context(service.app):
        await write(service, given["tenant"], leads, chance)


if __name__ == "__main__":
    asyncio.run(main())

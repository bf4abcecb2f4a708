"""How long a lead takes from `lead.captured` to `stage.changed` while others arrive at a steady pace.

Open loop: leads are submitted at their times, whatever became of those before. Both moments are those at which the
broker appended the records, read back afterwards, so that measuring costs the contestants nothing.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.contestants import HANDWRITTEN, OURS, Contestant, turn
from benchmarks.ground import SERVICES, Ground
from benchmarks.leads import make_lead
from benchmarks.pipeline import Numbers, prepare, push
from benchmarks.results import Measured, spread, table
from benchmarks.topics import CAPTURED, CHANGED, Topics, latencies

RATES = (200, 1_000)
WARM_UP = 2_000
TICK = 0.02
_SETTLE = 2.0
"""Seconds at the beginning that are not counted: batches find their size."""


async def measure(ground: Ground, topics: Topics, *, seconds: float, rounds: int) -> Measured:
    """p50 and p99 over all rounds of each contestant, in turns; the ratio is ours / hand-written of the p50."""
    numbers = Numbers(10_000_000)
    contestants = (OURS, HANDWRITTEN)
    for contestant in contestants:
        await prepare(ground, contestant)
    took: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for contestant in contestants:
            for service in SERVICES:
                await ground.execute(contestant.databases, service, "VACUUM ANALYZE")
            async with turn(contestant, ground, topics):
                await push(topics, numbers, WARM_UP, within=60.0)
                for rate in RATES:
                    found = await _steady(contestant, topics, numbers, rate, seconds)
                    took.setdefault((contestant.name, rate), []).extend(found)
    measured: Measured = {}
    for rate in RATES:
        variants = {contestant.name: spread(took[contestant.name, rate]) for contestant in contestants}
        for values in variants.values():
            values["ratio"] = round(variants[OURS.name]["p50_ms"] / values["p50_ms"], 2)
        name = f"latency_{rate}"
        table(f"latency at {rate:,} leads/s, lead.captured -> stage.changed; ratio = ours / it, of p50", variants, {})
        measured[name] = variants
    return measured


async def _steady(
    contestant: Contestant, topics: Topics, numbers: Numbers, rate: int, seconds: float
) -> Sequence[float]:
    captured, changed = await topics.ends(CAPTURED), await topics.ends(CHANGED)
    count, late = await _submit(topics, numbers, rate, seconds)
    await topics.wait_for(CHANGED, changed, count, 60.0)
    found = latencies(await topics.read_back(CAPTURED, captured), await topics.read_back(CHANGED, changed))
    if len(found) != count or max(found) == float("inf"):
        raise RuntimeError(f"{contestant.name}: {count} leads were submitted, {len(found)} captured")
    found = found[int(_SETTLE * rate) :]
    said = spread(found)
    print(
        f"  {contestant.name:12} {rate:>5}/s: p50 {said['p50_ms']:.0f} ms, p99 {said['p99_ms']:.0f} ms"
        f"   (submitted at most {late * 1_000:.0f} ms late)",
        flush=True,
    )
    return found


async def _submit(topics: Topics, numbers: Numbers, rate: int, seconds: float) -> tuple[int, float]:
    """Leads at their times; how many, and by how much the latest was late, in seconds."""
    share = round(rate * TICK)
    begun, count, late = time.monotonic(), 0, 0.0
    while count < rate * seconds:
        due = begun + count / rate
        if (ahead := due - time.monotonic()) > 0:
            await asyncio.sleep(ahead)
        late = max(late, time.monotonic() - due)
        first = numbers.next(share)
        await topics.send([make_lead(number, datetime.now(UTC)) for number in range(first, first + share)])
        count += share
    await topics.flush()
    return count, late

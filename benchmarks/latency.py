"""The time from `lead.captured` to `stage.changed` while leads are submitted at a constant rate.

Open loop: leads are submitted at their times, also if earlier ones are late. Both times are those at which the broker
appended the records. They are read afterwards, so that measuring does not slow the implementations down.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.implementations import HANDWRITTEN, OURS, Implementation, running
from benchmarks.leads import make_lead
from benchmarks.pipeline import LeadNumbers, prepare, submit_and_wait
from benchmarks.results import Measurements, percentiles, print_table
from benchmarks.servers import MEASURED_SERVICES, Servers
from benchmarks.topics import CAPTURED, CHANGED, Topics, latencies

RATES = (200, 1_000)
WARM_UP = 2_000
TICK = 0.02
_IGNORED_SECONDS = 2.0
"""The beginning is not counted, because batches have not reached their usual size yet."""


async def measure(servers: Servers, topics: Topics, *, seconds: float, rounds: int) -> Measurements:
    """p50 and p99 over all rounds, which alternate; the ratios are ours / that of the implementation."""
    numbers = LeadNumbers(10_000_000)
    implementations = (OURS, HANDWRITTEN)
    for implementation in implementations:
        await prepare(servers, implementation)
    took: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for implementation in implementations:
            for service in MEASURED_SERVICES:
                await servers.execute(implementation.databases, service, "VACUUM ANALYZE")
            async with running(implementation, servers, topics):
                await submit_and_wait(topics, numbers, WARM_UP, within=60.0)
                for rate in RATES:
                    found = await _measure_rate(implementation, topics, numbers, rate, seconds)
                    took.setdefault((implementation.name, rate), []).extend(found)
    measured: Measurements = {}
    for rate in RATES:
        variants = {
            implementation.name: percentiles(took[implementation.name, rate]) for implementation in implementations
        }
        for values in variants.values():
            for ratio, of in (("ratio", "p50_ms"), ("ratio_p99", "p99_ms")):
                values[ratio] = round(variants[OURS.name][of] / values[of], 2)
        name = f"latency_{rate}"
        title = f"latency at {rate:,} leads/s, lead.captured -> stage.changed; ratios = ours / it"
        print_table(title, variants, {HANDWRITTEN.name: "p50 <= 2, p99 <= 2.5"})
        measured[name] = variants
    return measured


async def _measure_rate(
    implementation: Implementation, topics: Topics, numbers: LeadNumbers, rate: int, seconds: float
) -> Sequence[float]:
    captured, changed = await topics.ends(CAPTURED), await topics.ends(CHANGED)
    count, late = await _submit(topics, numbers, rate, seconds)
    await topics.wait_for(CHANGED, changed, count, 60.0)
    found = latencies(await topics.read_back(CAPTURED, captured), await topics.read_back(CHANGED, changed))
    if len(found) != count or max(found) == float("inf"):
        raise RuntimeError(f"{implementation.name}: {count} leads were submitted, {len(found)} captured")
    found = found[int(_IGNORED_SECONDS * rate) :]
    result = percentiles(found)
    print(
        f"  {implementation.name:12} {rate:>5}/s: p50 {result['p50_ms']:.0f} ms, p99 {result['p99_ms']:.0f} ms"
        f"   (submitted at most {late * 1_000:.0f} ms late)",
        flush=True,
    )
    return found


async def _submit(topics: Topics, numbers: LeadNumbers, rate: int, seconds: float) -> tuple[int, float]:
    """Submit leads at their times; returns how many, and by how many seconds the latest was late."""
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

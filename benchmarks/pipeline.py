"""Leads a second from `lead.submitted` to `stage.changed`, in interleaved rounds of all implementations."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.implementations import DOCS, HANDWRITTEN, OURS, Implementation, running
from benchmarks.leads import TENANT, make_leads
from benchmarks.results import Measurements, median_ratio, print_table
from benchmarks.servers import MEASURED_SERVICES, Servers
from benchmarks.topics import CHANGED, Topics

THRESHOLD = 10
_SETTINGS = f"""
    INSERT INTO setting (tenant_id, valid_from, body, actor)
    VALUES ('{TENANT}', '2020-01-01Z', '{{"checklist": [
        {{"id": "score", "label": "Score", "rule": {{"score_at_least": {THRESHOLD}}}}}]}}', 'bench')
"""
WHOLE = replace(HANDWRITTEN, name="handwritten_whole", databases="whole", extra={"LEADFLOW_BENCH_CONTRACT": "whole"})
"""The hand-written one with all that ours does."""

IMPLEMENTATIONS = (
    OURS,
    replace(DOCS, extra={"LEADFLOW_BENCH_ACK": "each"}),
    replace(DOCS, name="docs_default_ack", extra={"LEADFLOW_BENCH_ACK": "first"}),
    HANDWRITTEN,
    WHOLE,
)
DOCS_SHARE = 25
"""The implementation after the frameworks' docs gets so many times fewer leads, because it takes longer."""
_WITHIN = 180.0


@dataclass
class LeadNumbers:
    """Gives each lead a number that no earlier lead has."""

    last: int = 0

    def next(self, count: int) -> int:
        first, self.last = self.last, self.last + count
        return first


async def prepare(servers: Servers, implementation: Implementation) -> None:
    """Create its databases, with a checklist that a captured and scored lead completes."""
    await servers.create_databases(implementation.databases)
    await servers.execute(implementation.databases, "stages", _SETTINGS)


async def submit_and_wait(topics: Topics, numbers: LeadNumbers, count: int, within: float = _WITHIN) -> float:
    """Submit `count` leads at once; returns the seconds until the broker has appended the last `stage.changed`.

    Raises RuntimeError unless there is exactly one for each lead.
    """
    before = await topics.ends(CHANGED)
    leads = make_leads(numbers.next(count), count)
    begun = await topics.publish(leads)
    await topics.wait_for(CHANGED, before, count, within)
    changed = await topics.read_back(CHANGED, before)
    leads_moved = len({record.subject for record in changed})
    if len(changed) != count or leads_moved != count:
        raise RuntimeError(f"{count} leads were submitted, but {leads_moved} moved, {len(changed)} times in all")
    return max(record.at for record in changed) - begun


async def measure_once(
    implementation: Implementation, servers: Servers, topics: Topics, numbers: LeadNumbers, count: int
) -> float:
    """One round: start, warm up with a sixth of the leads, measure. Returns leads a second."""
    for service in MEASURED_SERVICES:
        await servers.execute(implementation.databases, service, "VACUUM ANALYZE")
    async with running(implementation, servers, topics):
        await submit_and_wait(topics, numbers, count // 6, within=30.0)
        return count / await submit_and_wait(topics, numbers, count)


async def measure(
    servers: Servers, topics: Topics, *, leads: int, rounds: int, names: Sequence[str] = ()
) -> Measurements:
    """Rounds of A B C, B C A, C A B; rates are medians over rounds, ratios medians of the rounds' own.

    A first round, which does not count, warms the servers up.
    """
    few = max(leads // DOCS_SHARE, 100)
    implementations = [
        (implementation, few if implementation.databases == DOCS.databases else leads)
        for implementation in IMPLEMENTATIONS
        if not names or implementation.name in names
    ]
    numbers = LeadNumbers()
    for implementation in {each.databases: each for each, _ in implementations}.values():
        await prepare(servers, implementation)
    await measure_once(implementations[-1][0], servers, topics, numbers, few)
    await prepare(servers, implementations[-1][0])
    rates: dict[str, list[float]] = {implementation.name: [] for implementation, _ in implementations}
    for number in range(rounds):
        first = number % len(implementations)
        for implementation, count in (*implementations[first:], *implementations[:first]):
            began = time.monotonic()
            rate = await measure_once(implementation, servers, topics, numbers, count)
            rates[implementation.name].append(rate)
            took = time.monotonic() - began
            print(f"  round {number + 1}: {implementation.name:18} {rate:9,.0f} leads/s   ({took:.0f} s)", flush=True)
    for implementation in (HANDWRITTEN, WHOLE):
        if {OURS.name, implementation.name} <= rates.keys():
            await _compare_rows(servers, implementation)
    variants = {}
    for name, of_one in rates.items():
        variants[name] = {"rate": round(sorted(of_one)[len(of_one) // 2], 1)}
        if OURS.name in rates:
            variants[name]["ratio"] = round(median_ratio(rates[OURS.name], of_one), 3)
    goals = dict.fromkeys(("handwritten", "handwritten_whole"), "ours / it >= 0.85")
    print_table("pipeline: capture -> score -> stage, leads a second; ratio = ours / it", variants, goals)
    return {"pipeline": variants}


_NEWER_TABLES = {HANDWRITTEN.name: {"consent_change"}}
"""What an implementation does not write, because it was promised later."""


async def _compare_rows(servers: Servers, other: Implementation) -> None:
    """Raises RuntimeError if one of the two has written more rows than the other for the same number of leads."""
    for service in MEASURED_SERVICES:
        for table in await servers.tables(OURS.databases, service) - _NEWER_TABLES.get(other.name, set()):
            rows, others = [await servers.count(each.databases, service, table) for each in (OURS, other)]
            if rows != others:
                raise RuntimeError(f"{service}.{table}: ours has {rows:,} rows, {other.name} {others:,}")

"""Leads a second from `lead.submitted` to `stage.changed`, in interleaved rounds of all contestants."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.contestants import DOCS, HANDWRITTEN, OURS, Contestant, turn
from benchmarks.ground import Ground
from benchmarks.leads import TENANT, make_leads
from benchmarks.results import Measured, middle_ratio, table
from benchmarks.topics import CHANGED, Topics

THRESHOLD = 10
_SETTINGS = f"""
    INSERT INTO setting (tenant_id, valid_from, body, actor)
    VALUES ('{TENANT}', '2020-01-01Z', '{{"checklist": [
        {{"id": "score", "label": "Score", "rule": {{"score_at_least": {THRESHOLD}}}}}]}}', 'bench')
"""
CONTESTANTS = (
    OURS,
    replace(DOCS, extra={"LEADFLOW_BENCH_ACK": "each"}),
    replace(DOCS, name="docs_default_ack", extra={"LEADFLOW_BENCH_ACK": "first"}),
    HANDWRITTEN,
)
DOCS_SHARE = 25
"""The docs' way gets so many times fewer leads, since it takes so much longer."""
_WITHIN = 180.0


@dataclass
class Numbers:
    """Hands out numbers of leads that nobody has had."""

    last: int = 0

    def next(self, count: int) -> int:
        first, self.last = self.last, self.last + count
        return first


async def prepare(ground: Ground, contestant: Contestant) -> None:
    """Databases of its own, with a checklist that a captured and scored lead completes."""
    await ground.give_databases(contestant.databases)
    await ground.execute(contestant.databases, "stages", _SETTINGS)


async def push(topics: Topics, numbers: Numbers, count: int, within: float = _WITHIN) -> float:
    """Submit `count` leads at once; seconds until the broker had the last `stage.changed`.

    Raises RuntimeError unless there is exactly one for each lead.
    """
    before = await topics.ends(CHANGED)
    leads = make_leads(numbers.next(count), count)
    begun = await topics.publish(leads)
    await topics.wait_for(CHANGED, before, count, within)
    said = await topics.read_back(CHANGED, before)
    if len(said) != count or len({each.subject for each in said}) != count:
        raise RuntimeError(f"{count} leads led to {len(said)} moves of {len({e.subject for e in said})} leads")
    return max(each.at for each in said) - begun


async def measure_once(contestant: Contestant, ground: Ground, topics: Topics, numbers: Numbers, count: int) -> float:
    """One turn: start, warm up with a sixth of the leads, measure; leads a second."""
    for service in ("capture", "scoring", "stages"):
        await ground.execute(contestant.databases, service, "VACUUM ANALYZE")
    async with turn(contestant, ground, topics):
        await push(topics, numbers, count // 6, within=30.0)
        return count / await push(topics, numbers, count)


async def measure(ground: Ground, topics: Topics, *, leads: int, rounds: int, names: Sequence[str] = ()) -> Measured:
    """Rounds of A B C, B C A, C A B; rates are medians over rounds, ratios medians of the rounds' own.

    A turn before them, which does not count, warms the servers.
    """
    few = max(leads // DOCS_SHARE, 100)
    contestants = [
        (contestant, few if contestant.databases == DOCS.databases else leads)
        for contestant in CONTESTANTS
        if not names or contestant.name in names
    ]
    numbers = Numbers()
    for contestant in {each.databases: each for each, _ in contestants}.values():
        await prepare(ground, contestant)
    await measure_once(contestants[-1][0], ground, topics, numbers, few)
    await prepare(ground, contestants[-1][0])
    rates: dict[str, list[float]] = {contestant.name: [] for contestant, _ in contestants}
    for number in range(rounds):
        first = number % len(contestants)
        for contestant, count in (*contestants[first:], *contestants[:first]):
            began = time.monotonic()
            rate = await measure_once(contestant, ground, topics, numbers, count)
            rates[contestant.name].append(rate)
            took = time.monotonic() - began
            print(f"  round {number + 1}: {contestant.name:18} {rate:9,.0f} leads/s   ({took:.0f} s)", flush=True)
    if {OURS.name, HANDWRITTEN.name} <= rates.keys():
        await _compare_rows(ground)
    variants = {}
    for name, of_one in rates.items():
        variants[name] = {"rate": round(sorted(of_one)[len(of_one) // 2], 1)}
        if OURS.name in rates:
            variants[name]["ratio"] = round(middle_ratio(rates[OURS.name], of_one), 3)
    goals = {"handwritten": "ours / it >= 0.7", "docs": "ours / it >= 80"}
    table("pipeline: capture -> score -> stage, leads a second; ratio = ours / it", variants, goals)
    return {"pipeline": variants}


_TABLES = {
    "capture": ("lead", "lead_identity", "inbox", "lead_stream", "duplicate", "outbox", "dead_letter"),
    "scoring": ("lead", "signal", "lead_stream", "outbox", "dead_letter"),
    "stages": ("lead", "activity", "lead_stream", "alert", "outbox", "dead_letter"),
}


async def _compare_rows(ground: Ground) -> None:
    """Both were given equally many leads: raises RuntimeError where one has written more or fewer rows of them."""
    for service, tables in _TABLES.items():
        for name in tables:
            ours, other = [await ground.count(each.databases, service, name) for each in (OURS, HANDWRITTEN)]
            if ours != other:
                raise RuntimeError(f"{service}.{name}: ours has {ours:,} rows, the hand-written one {other:,}")

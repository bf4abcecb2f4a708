"""`python -m benchmarks [NAME ...]`, the names being those of BENCHES, ALONE and QUALITY: `make bench` runs it."""

import argparse
import asyncio
import logging
from pathlib import Path

from benchmarks import (
    bounces,
    duplicates,
    enrichment,
    growth,
    hostile,
    idle,
    imports,
    latency,
    pipeline,
    queue,
    replies,
    sequences,
)
from benchmarks.results import Measurements, save
from benchmarks.servers import Servers, start_servers
from benchmarks.topics import Topics, topics_client

BENCHES = ("pipeline", "latency", "queue", "growth", "hostile", "enrichment", "import", "sequences", "search")
ALONE = ("idle",)
"""A measurement of a whole system of its own; it runs only when it is named."""
QUALITY = ("bounces", "replies", "duplicates")
"""Measurements of how well something is understood: they need no servers, and run only when they are named."""


async def run(options: argparse.Namespace) -> None:
    """Run the chosen measurements on one broker and one database server; save each result when it is complete."""
    chosen = [name for name in options.benches or BENCHES if name not in (*ALONE, *QUALITY)]
    if "bounces" in options.benches:
        save(bounces.measure(options.data / "mail"), options.out)
    if "replies" in options.benches:
        replies.measure(options.data)
    if "idle" in options.benches:
        save(await idle.measure(seconds=options.seconds), options.out)
    if "duplicates" in options.benches:
        save(duplicates.measure(), options.out)
    if not chosen:
        return
    async with start_servers() as servers, topics_client(servers.bootstrap) as topics:
        for name in chosen:
            print(f"\n{name} ...", flush=True)
            save(await _measure(name, servers, topics, options), options.out)
    print(f"\nThe results are also in {options.out}.")


async def _measure(name: str, servers: Servers, topics: Topics, options: argparse.Namespace) -> Measurements:
    if name == "pipeline":
        return await pipeline.measure(servers, topics, leads=options.leads, rounds=options.rounds, names=options.only)
    if name == "latency":
        return await latency.measure(servers, topics, seconds=options.seconds, rounds=max(1, options.rounds // 2))
    if name == "queue":
        return await queue.measure(servers, leads=options.queue, seconds=options.seconds, updates=500)
    if name == "enrichment":
        return await enrichment.measure(servers, topics, leads=options.leads)
    if name == "hostile":
        return await hostile.measure(servers, seconds=options.seconds, rounds=options.rounds)
    if name == "import":
        return await imports.measure(servers, rows=options.rows, seconds=options.seconds)
    if name == "search":
        sizes = [options.growth // 50, options.growth // 5]
        return await duplicates.measure_search(servers, sizes=sizes, leads=2_000, rounds=options.rounds)
    if name == "sequences":
        return await sequences.measure(servers, sizes=[1_000, options.enrolments], rounds=options.rounds)
    sizes = [options.growth // 50, options.growth]
    return await growth.measure(servers, topics, sizes=sizes, leads=options.leads, rounds=options.rounds)


def main() -> None:
    named = (*BENCHES, *ALONE, *QUALITY)
    parser = argparse.ArgumentParser(prog='make bench ARGS="..."', description="Side-by-side measurements.")
    parser.add_argument(
        "benches",
        nargs="*",
        choices=[[], *named],
        metavar="BENCH",
        help=", ".join(named),
    )
    parser.add_argument("--leads", type=int, default=12_000, help="leads in a round of pipeline and growth (12000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of pipeline, growth and hostile (3)")
    parser.add_argument(
        "--seconds", type=float, default=15, help="how long latency, queue, hostile and idle are measured (15)"
    )
    parser.add_argument("--queue", type=int, default=1_000_000, help="leads in the queue (1000000)")
    parser.add_argument("--growth", type=int, default=500_000, help="leads at the large size of growth (500000)")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the imported file (100000)")
    parser.add_argument("--enrolments", type=int, default=100_000, help="active enrolments of sequences (100000)")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=[each.name for each in pipeline.IMPLEMENTATIONS],
        help="an implementation of pipeline; by default all",
    )
    parser.add_argument("--data", type=Path, default=replies.DATA, help="the development data of bounces and replies")
    parser.add_argument("--out", type=Path, default=Path(".leadflow/bench.json"))
    options = parser.parse_args()
    # A broker that has just started has no group coordinator yet; aiokafka logs an error and retries.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    asyncio.run(run(options))


if __name__ == "__main__":
    main()

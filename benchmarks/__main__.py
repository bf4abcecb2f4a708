"""`python -m benchmarks [pipeline] [latency] [queue] [growth]`: what `make bench` runs."""

import argparse
import asyncio
import logging
from pathlib import Path

from benchmarks import growth, latency, pipeline, queue
from benchmarks.ground import Ground, ground
from benchmarks.results import Measured, keep
from benchmarks.topics import Topics, topics

BENCHES = ("pipeline", "latency", "queue", "growth")


async def run(options: argparse.Namespace) -> None:
    """All that was asked for, on one broker and one database server; each result is kept as soon as it is there."""
    async with ground() as here, topics(here.bootstrap) as kafka:
        for name in options.benches or BENCHES:
            print(f"\n{name} ...", flush=True)
            keep(await _measure(name, here, kafka, options), options.out)
    print(f"\nalso in {options.out}")


async def _measure(name: str, here: Ground, kafka: Topics, options: argparse.Namespace) -> Measured:
    if name == "pipeline":
        return await pipeline.measure(here, kafka, leads=options.leads, rounds=options.rounds, names=options.only)
    if name == "latency":
        return await latency.measure(here, kafka, seconds=options.seconds, rounds=max(1, options.rounds // 2))
    if name == "queue":
        return await queue.measure(here, leads=options.queue, seconds=options.seconds, updates=500)
    sizes = [options.growth // 50, options.growth]
    return await growth.measure(here, kafka, sizes=sizes, leads=options.leads, rounds=options.rounds)


def main() -> None:
    parser = argparse.ArgumentParser(prog='make bench ARGS="..."', description="Side-by-side measurements.")
    parser.add_argument("benches", nargs="*", choices=[[], *BENCHES], metavar="BENCH", help=", ".join(BENCHES))
    parser.add_argument("--leads", type=int, default=12_000, help="leads in a round of pipeline and growth (12000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of pipeline and growth (3)")
    parser.add_argument("--seconds", type=float, default=15, help="how long latency and queue measure (15)")
    parser.add_argument("--queue", type=int, default=1_000_000, help="leads in the queue (1000000)")
    parser.add_argument("--growth", type=int, default=500_000, help="leads at the large size of growth (500000)")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=[each.name for each in pipeline.CONTESTANTS],
        help="a contestant of pipeline; all unless given",
    )
    parser.add_argument("--out", type=Path, default=Path(".leadflow/bench.json"))
    options = parser.parse_args()
    # A broker of a second's age has no group coordinator yet; aiokafka says so, and asks again.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    asyncio.run(run(options))


if __name__ == "__main__":
    main()

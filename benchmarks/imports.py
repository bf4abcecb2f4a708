"""Imports beside single requests: the rate of each in one run, and whether an import's rate stays the same to its end.

Capture runs as a process of its own. The single path is `POST /v1/leads` by many connections at once, which capture
groups into common transactions; the import is one CSV file with the same fields.
"""

import asyncio
import itertools
import time
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil

from benchmarks.capture_process import capture_process
from benchmarks.results import Measurements, print_table
from benchmarks.servers import Servers

CONNECTIONS = 32
_FIELDS = ("external_id", "email", "phone", "first_name", "last_name", "company", "job_title", "country", "campaign")


def lead(number: int) -> dict[str, str]:
    """The lead of a row: everybody is somebody else."""
    return {
        "external_id": f"row-{number}",
        "email": f"person.{number}@company-{number % 9973}.example",
        "phone": f"+4915{100_000_000 + number}",
        "first_name": f"First{number % 4001}",
        "last_name": f"Last{number}",
        "company": f"Company {number % 9973}",
        "job_title": "Head of Operations",
        "country": "DE",
        "campaign": "fair",
    }


def _write(path: Path, count: int) -> None:
    """A CSV file of so many leads."""
    with path.open("w") as file:
        file.write(",".join(_FIELDS) + "\n")
        file.writelines(",".join(lead(number).values()) + "\n" for number in range(1, count + 1))


async def measure(servers: Servers, *, rows: int, seconds: float) -> Measurements:
    """Rates in leads a second; the ratio is the rate / that of single requests, and of the last tenth / the first."""
    async with capture_process(servers, "imports", timeout=600) as capture:
        await _single(capture.client, min(5.0, seconds), 500_000_000)
        single = await _single(capture.client, seconds, 600_000_000)
        await asyncio.to_thread(_write, servers.folder / "leads.csv", rows)
        marks = await _import(capture.client, servers.folder / "leads.csv", rows, capture.pid)
    began, ended = marks[0], marks[-1]
    whole = ended.read / (ended.at - began.at)
    tenth = rows // 10
    first, last = _rate(marks, 0, tenth), _rate(marks, rows - tenth, rows)
    work_first, work_last = _work(marks, 0, tenth), _work(marks, rows - tenth, rows)
    memory_first, memory_last = _memory(marks, 0, tenth), _memory(marks, rows - tenth, rows)
    variants = {
        "single requests": {"rate": round(single, 1), "ratio": 1.0},
        "import": {"rate": round(whole, 1), "ratio": round(whole / single, 2)},
        "import, first tenth": {"rate": round(first, 1), "ratio": 1.0},
        "import, last tenth": {"rate": round(last, 1), "ratio": round(last / first, 2)},
    }
    print_table(
        f"import of {rows:,} rows beside single requests; capture in the last tenth / in the first: "
        f"memory {memory_last / memory_first:.2f} ({memory_last / 2**20:.0f} MiB), "
        f"processor time {work_last / work_first:.2f}",
        variants,
        {"import": ">= 2.5", "import, last tenth": ">= 0.8"},
    )
    return {"import": variants}


async def _single(client: httpx.AsyncClient, seconds: float, first: int) -> float:
    """Leads a second by single requests."""
    numbers = itertools.count(first)
    begun = time.monotonic()

    async def post() -> int:
        done = 0
        while time.monotonic() - begun < seconds:
            answer = await client.post("/v1/leads", json={"source": "bench", **lead(next(numbers))})
            assert answer.status_code == 201, answer.text
            done += 1
        return done

    done = sum(await asyncio.gather(*(post() for _ in range(CONNECTIONS))))
    return done / (time.monotonic() - begun)


class Mark(NamedTuple):
    """How many rows were read at a moment, with the memory (bytes) and the processor time (seconds) of the process.

    On a busy machine the rate says more of the machine, and the processor time more of the import.
    """

    at: float
    read: int
    memory: int
    work: float


def _mark(process: psutil.Process, read: int) -> Mark:
    times = process.cpu_times()
    return Mark(time.monotonic(), read, process.memory_info().rss, times.user + times.system)


async def _import(client: httpx.AsyncClient, path: Path, rows: int, pid: int) -> list[Mark]:
    """The progress of an import, looked at five times a second."""
    process = psutil.Process(pid)

    def upload() -> str:
        with (
            path.open("rb") as file,
            httpx.Client(base_url=client.base_url, headers=client.headers, timeout=600) as http,
        ):
            answer = http.post("/v1/imports", files={"file": (path.name, file, "text/csv")}, data={"source": "bench"})
            assert answer.status_code == 202, answer.text
            return str(answer.json()["import_id"])

    import_id = await asyncio.to_thread(upload)
    marks = [_mark(process, 0)]
    while True:
        job = (await client.get(f"/v1/imports/{import_id}")).json()
        marks.append(_mark(process, job["read"]))
        if job["state"] != "running":
            assert (job["state"], job["taken"]) == ("done", rows), job
            return marks
        await asyncio.sleep(0.2)


def _between(marks: list[Mark], first: int, last: int) -> list[Mark]:
    """The marks from the last one before a row to the first one that has read another."""
    begin = max(n for n, mark in enumerate(marks) if mark.read <= first)
    end = min(n for n, mark in enumerate(marks) if mark.read >= last)
    return marks[begin : end + 1]


def _rate(marks: list[Mark], first: int, last: int) -> float:
    """Rows a second between two rows."""
    found = _between(marks, first, last)
    return (found[-1].read - found[0].read) / (found[-1].at - found[0].at)


def _work(marks: list[Mark], first: int, last: int) -> float:
    """Seconds of processor time for each row between two rows."""
    found = _between(marks, first, last)
    return (found[-1].work - found[0].work) / (found[-1].read - found[0].read)


def _memory(marks: list[Mark], first: int, last: int) -> int:
    """The most memory between two rows, in bytes."""
    return max(mark.memory for mark in _between(marks, first, last))

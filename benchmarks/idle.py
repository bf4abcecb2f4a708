"""What Leadflow costs when nothing arrives: processor time and memory of each process of `leadflow up`."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from benchmarks.results import Measurements, print_table
from deploy.local.ports import free_port_base

SETTLE_SECONDS = 20.0
"""After the start: what happens once (compiled code, first connections) is not counted."""
_LEADFLOW = [sys.executable, "-m", "cli.main"]


async def measure(*, seconds: float) -> Measurements:
    """Percent of a core, and resident memory in MB, of each part of a whole system that has nothing to do."""
    with TemporaryDirectory(prefix="leadflow-idle-") as folder, _running(Path(folder)) as report:
        parts = {service["name"]: service["pid"] for service in report["services"]}
        parts |= {name: report[name]["pid"] for name in ("kafka", "postgres")}
        await asyncio.sleep(SETTLE_SECONDS)
        before = {name: _spent(pid) for name, pid in parts.items()}
        await asyncio.sleep(seconds)
        variants = {
            name: {"percent": round(100 * (_spent(pid) - before[name]) / seconds, 2), "mb": _memory(pid)}
            for name, pid in parts.items()
        }
    variants["all"] = {unit: round(sum(values[unit] for values in variants.values()), 2) for unit in ("percent", "mb")}
    print_table("idle: percent of a core and MB of memory, nothing arriving", variants, {})
    return {"idle": variants}


@contextmanager
def _running(folder: Path) -> Iterator[dict[str, Any]]:
    """`leadflow up` without demo data; what `leadflow status --json` says once it is ready."""
    where = ["--data", str(folder)]
    command = [*_LEADFLOW, "up", "--no-demo", "--port-base", str(free_port_base()), *where]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        try:
            while "Leadflow is up" not in said:
                line = process.stdout.readline()
                if not line:
                    raise RuntimeError(f"Leadflow does not start:\n{said}")
                said += line
            yield json.loads(subprocess.check_output([*_LEADFLOW, "status", "--json", *where]))
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _spent(pid: int) -> float:
    """Processor seconds of a process and its children, those that have ended included."""
    first, *children = (process.cpu_times() for process in _family(pid))
    ended: float = first.children_user + first.children_system
    return ended + sum(float(times.user + times.system) for times in (first, *children))


def _memory(pid: int) -> float:
    """Resident MB; pages that processes share count once, as far as the system tells (PSS)."""
    pages = sum(int(process.memory_full_info().pss) for process in _family(pid))
    return round(pages / 2**20, 1)

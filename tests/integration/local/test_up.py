"""`leadflow up` as a person runs it: a process in the foreground."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil
import pytest

from deploy.local.ports import Ports, PortTaken

LEADFLOW = [sys.executable, "-m", "cli.main"]


def a_free_base() -> int:
    for base in range(20_000, 30_000, 200):
        try:
            Ports.of(base).require_free()
        except PortTaken:
            continue
        return base
    raise RuntimeError("no free ports")


class LocalRun:
    """A folder, and `leadflow up` on it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.base = a_free_base()
        self.log = data / "up.log"
        self.process: subprocess.Popen[bytes] | None = None

    def up(self, seconds: float) -> float:
        """Start; how long it took until all services were ready."""
        begun = time.monotonic()
        with self.log.open("wb") as log:
            command = [*LEADFLOW, "up", "--no-demo", "--port-base", str(self.base), "--data", str(self.data)]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self.wait(lambda: "Leadflow is up" in self.said, seconds)
        return time.monotonic() - begun

    def stop(self, signum: int) -> int:
        assert self.process is not None
        self.process.send_signal(signum)
        return self.process.wait(40)

    @property
    def said(self) -> str:
        return self.log.read_text()

    def ask(self, *words: str) -> str:
        command = [*LEADFLOW, *words, "--data", str(self.data)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def status(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.ask("status", "--json"))
        return report

    def service(self, name: str) -> dict[str, Any]:
        return next(service for service in self.status()["services"] if service["name"] == name)

    def pids(self) -> list[int]:
        status = self.status()
        return [part["pid"] for part in (*status["services"], status["kafka"], status["postgres"])]

    def wait(self, holds: Callable[[], bool], seconds: float) -> None:
        assert self.process is not None
        deadline = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.1)


@pytest.fixture
def local_run() -> Iterator[LocalRun]:
    with TemporaryDirectory(prefix="leadflow-") as folder:
        run = LocalRun(Path(folder))
        yield run
        if run.process is not None and run.process.poll() is None:
            run.stop(signal.SIGTERM)


def test_up_starts_everything_restarts_what_dies_and_goes_on_with_its_data(local_run: LocalRun):
    local_run.up(90)
    assert {service["state"] for service in local_run.status()["services"]} == {"ready"}

    killed = local_run.service("scoring")["pid"]
    psutil.Process(killed).kill()
    local_run.wait(lambda: "scoring is back" in local_run.said, 40)
    assert "scoring was killed by SIGKILL" in local_run.said
    after = local_run.service("scoring")
    assert (after["restarts"], after["state"]) == (1, "ready")
    assert after["pid"] != killed

    token = local_run.ask("token", "--tenant", "acme", "--role", "operator").strip()
    capture = f"http://127.0.0.1:{local_run.base + 1}/v1/leads"
    headers = {"Authorization": f"Bearer {token}"}
    body = {"source": "test", "email": "ann@them.example"}
    lead = httpx.post(capture, json=body, headers=headers).raise_for_status().json()

    second = subprocess.run(
        [*LEADFLOW, "up", "--port-base", str(local_run.base), "--data", f"{local_run.data}/other"],
        capture_output=True,
        text=True,
    )
    assert second.returncode == 1
    assert f"port {local_run.base + 1} for capture is taken" in second.stderr
    assert "--port-base" in second.stderr

    pids = local_run.pids()
    assert local_run.stop(signal.SIGINT) == 0
    assert not [pid for pid in pids if psutil.pid_exists(pid)]

    assert local_run.up(90) < 25, "15 s are promised on a machine that does nothing else"
    kept = httpx.get(f"{capture}/{lead['lead_id']}", headers=headers).raise_for_status().json()
    assert kept["email"] == "ann@them.example"

    assert local_run.process is not None
    pids = local_run.pids()
    local_run.process.kill()
    local_run.process.wait()
    deadline = time.monotonic() + 20
    while alive := [pid for pid in pids if psutil.pid_exists(pid)]:
        assert time.monotonic() < deadline, f"{alive} outlive their killed parent"
        time.sleep(0.1)

"""The local run: it starts everything, restarts processes that die, and continues with its data."""

import signal
import subprocess
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.local_run import LEADFLOW, LocalRun
from tests.local_run import local_run as a_local_run


@pytest.fixture
def local_run() -> Iterator[LocalRun]:
    with a_local_run() as run:
        yield run


def test_up_starts_everything_restarts_dead_services_and_continues_with_its_data(local_run: LocalRun):
    local_run.up(90)
    assert {service["state"] for service in local_run.status()["services"]} == {"ready"}

    killed = local_run.service("scoring")["pid"]
    psutil.Process(killed).kill()
    local_run.wait(lambda: "scoring is back" in local_run.output, 40)
    assert "scoring was killed by SIGKILL" in local_run.output
    after = local_run.service("scoring")
    assert (after["restarts"], after["state"]) == (1, "ready")
    assert after["pid"] != killed

    token = local_run.leadflow("token", "--tenant", "acme", "--role", "operator").strip()
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

    local_run.up(90)
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

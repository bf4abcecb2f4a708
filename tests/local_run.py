"""`leadflow up` as a person runs it: a process in the foreground, with its own ports and data folder."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from deploy.local.identity import Identity
from deploy.local.ports import free_port_base
from deploy.local.run_record import RunRecord

LEADFLOW = [sys.executable, "-m", "cli.main"]


class LocalRun:
    """A data folder, and `leadflow up` on it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.base = free_port_base()
        self.log = data / "up.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._clients: list[httpx.Client] = []

    def up(self, seconds: float) -> float:
        """Start; returns the seconds until all services were ready."""
        begun = time.monotonic()
        with self.log.open("wb") as log:
            command = [*LEADFLOW, "up", "--no-demo", "--port-base", str(self.base), "--data", str(self.data)]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self.wait(lambda: "Leadflow is up" in self.output, seconds)
        return time.monotonic() - begun

    def stop(self, signum: int) -> int:
        assert self.process is not None
        for client in self._clients:
            client.close()
        self.process.send_signal(signum)
        return self.process.wait(40)

    @property
    def output(self) -> str:
        return self.log.read_text()

    def leadflow(self, *words: str) -> str:
        """Run another command on this folder; returns its standard output."""
        command = [*LEADFLOW, *words, "--data", str(self.data)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def status(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.leadflow("status", "--json"))
        return report

    def service(self, name: str) -> dict[str, Any]:
        return next(service for service in self.status()["services"] if service["name"] == name)

    def pids(self) -> list[int]:
        status = self.status()
        return [part["pid"] for part in (*status["services"], status["kafka"], status["postgres"])]

    @property
    def record(self) -> RunRecord:
        """Ports, addresses and process ids, as the other commands read them."""
        return RunRecord.load_running(self.data)

    def client(self, service: str, tenant: str, *roles: str, subject: str = "ann") -> httpx.Client:
        """An HTTP client of a service, for a person or a machine with these roles."""
        token = Identity(self.data).sign_token(tenant, roles, subject)
        headers = {"Authorization": f"Bearer {token}"}
        url = self.record.services[service].url
        self._clients.append(httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False, verify=False))
        return self._clients[-1]

    def wait(self, condition: Callable[[], bool], seconds: float) -> None:
        assert self.process is not None
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)


@contextmanager
def local_run() -> Iterator[LocalRun]:
    """A local run in a temporary folder; it is stopped at the end."""
    with TemporaryDirectory(prefix="leadflow-") as folder:
        run = LocalRun(Path(folder))
        try:
            yield run
        finally:
            if run.process is not None and run.process.poll() is None:
                run.stop(signal.SIGTERM)

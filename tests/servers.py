"""`make servers`: a Kafka and a Postgres that stay up between test runs, so that a run of one test takes seconds.

While it runs in one terminal, every `pytest` in this checkout uses its servers. Each test works for tenants of its own,
so what earlier runs have left does not matter; Ctrl-C stops the servers and deletes their data.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from deploy.local.kafka import Kafka
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres

FOLDER = Path(__file__).resolve().parent.parent / ".leadflow" / "test-servers"
_ADDRESSES = FOLDER / "addresses.json"


@contextmanager
def servers(folder: Path) -> Iterator[tuple[str, str]]:
    """Start both in `folder`, on free ports; (bootstrap, admin URL). They are stopped at the end of the block."""
    kafka = Kafka(folder / "kafka", free_port(), free_port())
    postgres = Postgres(folder / "postgres", free_port(), durable=False)
    try:
        for server in (kafka, postgres):
            server.prepare()
            server.launch()
        kafka.wait()
        postgres.wait()
        yield kafka.bootstrap, postgres.url()
    finally:
        kafka.stop()
        postgres.stop()


def kept() -> tuple[str, str] | None:
    """(bootstrap, admin URL) of the servers that `make servers` keeps up; None when it does not run, and for one of
    several workers: each has servers of its own, because services of one name would share their events."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return None
    try:
        addresses = json.loads(_ADDRESSES.read_bytes())
    except FileNotFoundError:
        return None
    if not psutil.pid_exists(addresses["pid"]):
        return None
    return addresses["bootstrap"], addresses["admin_url"]


def main() -> None:
    """Start the servers, and keep them until SIGINT or SIGTERM."""
    if kept() is not None:
        sys.exit("the servers run already")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    stop = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    with servers(FOLDER) as (bootstrap, admin_url):
        content = json.dumps({"pid": os.getpid(), "bootstrap": bootstrap, "admin_url": admin_url})
        descriptor = os.open(_ADDRESSES, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        print(
            f"Kafka and Postgres are up; `make test ARGS=...` uses them. Ctrl-C stops them. ({bootstrap})", flush=True
        )
        signal.sigwait(stop)
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()

"""Capture as a process of its own, for measurements of its HTTP API."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from benchmarks.implementations import OURS
from benchmarks.servers import Servers
from deploy.local import process
from deploy.local.identity import Identity
from deploy.local.ports import free_port

TENANT = "bench"


class CaptureProcess(NamedTuple):
    """A running capture: a client with an operator's token, that token, the port, and the process's id."""

    client: httpx.AsyncClient
    token: str
    port: int
    pid: int


@asynccontextmanager
async def capture_process(servers: Servers, name: str, *, timeout: float) -> AsyncIterator[CaptureProcess]:
    """Start capture on databases of its own; it is stopped at the end of the block.

    `name`: of the measurement, for the log file; `timeout`: seconds that the client waits for an answer.
    """
    await servers.create_databases(OURS.databases)
    port = free_port()
    token = Identity(servers.folder).sign_token(TENANT, ["operator"], "bench", 36_000, None)
    log_file = servers.folder / f"{name}-capture.log"
    with log_file.open("ab") as log:
        child: subprocess.Popen[bytes] = process.launch(
            [sys.executable, "-m", "cli.main", "services", "run", "capture", "--port", str(port)],
            log=log,
            env=OURS.environment(servers, "capture"),
        )
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}, timeout=timeout
        ) as client:
            await _ready(client, log_file)
            yield CaptureProcess(client, token, port, child.pid)
    finally:
        await asyncio.to_thread(process.stop, child, signal.SIGTERM, 20.0)


async def _ready(client: httpx.AsyncClient, log: Path) -> None:
    answer = "no answer"
    try:
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    response = await client.get("/readyz")
                    if response.status_code == 200:
                        return
                    answer = response.text
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise RuntimeError(f"capture is not ready: {answer}; the end of its log:\n{process.tail(log)}") from None

"""How long honest people wait for an answer while hostile clients attack the same process of capture.

The hostile clients are processes of their own: one opens connections that say nothing or send a header byte by byte,
the others post 10 MB without a token, again and again, and nested JSON with one.
"""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx

from benchmarks.capture_process import capture_process
from benchmarks.results import Measurements, percentiles, print_table
from benchmarks.servers import Servers
from deploy.local import process

PER_SECOND = 50
"""Honest requests: each captures a lead."""
POSTING = 8
SILENT = 200
PAUSE = 0.1
"""Seconds before a hostile client that was refused tries again."""


async def measure(servers: Servers, *, seconds: float, rounds: int) -> Measurements:
    """p50 and p99 of honest requests, alone and beside hostile clients, in alternating rounds; the ratio is of p99."""
    took: dict[str, list[float]] = {"alone": [], "beside hostile clients": []}
    async with capture_process(servers, "hostile", timeout=30) as capture:
        await _capture_leads(capture.client, 3)
        for _ in range(rounds):
            took["alone"] += await _capture_leads(capture.client, seconds)
            async with _attack(servers, capture.port, capture.token):
                took["beside hostile clients"] += await _capture_leads(capture.client, seconds)
    variants = {name: percentiles(values) for name, values in took.items()}
    for values in variants.values():
        values["ratio"] = round(values["p99_ms"] / variants["alone"]["p99_ms"], 2)
    title = f"hostile: {PER_SECOND} leads/s by HTTP beside {POSTING + SILENT} hostile connections; ratio = p99 / alone"
    print_table(title, variants, {"beside hostile clients": "<= 3"})
    return {"hostile": variants}


async def _capture_leads(client: httpx.AsyncClient, seconds: float) -> list[float]:
    """Capture leads at a constant rate, late ones too; the milliseconds from each one's time to its answer."""
    loop = asyncio.get_running_loop()

    async def capture(due: float) -> float:
        await asyncio.sleep(due - loop.time())
        lead = {"source": "bench", "email": f"{uuid4().hex}@bench.example"}
        (await client.post("/v1/leads", json=lead)).raise_for_status()
        return (loop.time() - due) * 1_000

    begun = loop.time() + 0.1
    count = int(PER_SECOND * seconds)
    return list(await asyncio.gather(*(capture(begun + number / PER_SECOND) for number in range(count))))


@asynccontextmanager
async def _attack(servers: Servers, port: int, token: str) -> AsyncIterator[None]:
    command = [sys.executable, "-m", "benchmarks.hostile", str(port), token]
    with (servers.folder / "hostile-clients.log").open("ab") as log:
        attacker: subprocess.Popen[bytes] = process.launch(command, log=log)
    try:
        await asyncio.sleep(2)
        yield
        if attacker.poll() is not None:
            raise RuntimeError(f"the hostile clients ended: {process.tail(servers.folder / 'hostile-clients.log')}")
    finally:
        await asyncio.to_thread(process.stop, attacker, signal.SIGKILL, 10)


async def _post_without_token(port: int) -> None:
    """10 MB, as much of it as is read."""
    head = (
        b"POST /v1/leads/batch HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/json\r\nContent-Length: 10485760\r\n\r\n"
    )
    await _send(port, [head, *[b" " * 65_536] * 160])


async def _post_nested(port: int, token: str) -> None:
    body = b'{"source": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    head = (
        f"POST /v1/leads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    await _send(port, [head.encode(), body])


async def _send(port: int, parts: list[bytes]) -> None:
    """Send the parts until the server closes the connection."""
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            await reader.read(1_000)
        finally:
            writer.close()


async def _say_nothing(port: int, *, drip: bool) -> None:
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while drip and not reader.at_eof():
                writer.write(b"G")
                await asyncio.sleep(1)
            await reader.read(1)
        finally:
            writer.close()


async def _attack_for_ever(port: int, token: str) -> None:
    async def again(number: int) -> None:
        while True:
            if number >= POSTING:
                await _say_nothing(port, drip=number % 2 == 0)
            elif number == 0:
                await _post_nested(port, token)
            else:
                await _post_without_token(port)
            await asyncio.sleep(PAUSE)

    await asyncio.gather(*(again(number) for number in range(POSTING + SILENT)))


if __name__ == "__main__":
    asyncio.run(_attack_for_ever(int(sys.argv[1]), sys.argv[2]))

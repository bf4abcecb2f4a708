"""A connection that sends nothing, or its headers too slowly, is closed; honest ones beside it are served."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from shared.http import server
from tests.serving import serving

REQUEST = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The port of an application served as every service is, with a second for headers and for idle connections."""
    monkeypatch.setattr(server, "HEADER_SECONDS", 1.0)
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", 1)
    application = FastAPI()

    @application.get("/hello")
    async def hello() -> str:
        return "hello"

    running = uvicorn.Server(server.configuration(application, "127.0.0.1", 0, 1))
    async with serving(running):
        yield running.servers[0].sockets[0].getsockname()[1]


async def closed_after(reader: asyncio.StreamReader) -> float:
    """Seconds until the server closes the connection."""
    begun = asyncio.get_running_loop().time()
    async with asyncio.timeout(5):
        while await reader.read(1_000):
            pass
    return asyncio.get_running_loop().time() - begun


async def test_a_connection_that_sends_nothing_is_closed(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert 0.5 < await closed_after(reader) < 3
    writer.close()


async def test_headers_that_arrive_byte_by_byte_do_not_prolong_the_time(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def drip() -> None:
        for byte in b"GET /hello HTTP/1.1\r\nX-Slow: " + b"a" * 100:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.1)

    task = asyncio.create_task(drip())
    assert 0.5 < await closed_after(reader) < 3
    task.cancel()
    writer.close()


async def test_a_second_request_of_a_kept_connection_has_the_same_time(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.write(b"GET /hello HTTP/1.1\r\nX-")
    assert 0.5 < await closed_after(reader) < 3
    writer.close()


async def test_honest_requests_are_served_beside_a_hundred_silent_connections(port: int) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
    async with httpx.AsyncClient() as client:
        for _ in range(15):
            assert (await client.get(f"http://127.0.0.1:{port}/hello")).json() == "hello"
            await asyncio.sleep(0.1)
    for silent_reader, silent_writer in silent:
        assert await closed_after(silent_reader) < 3
        silent_writer.close()

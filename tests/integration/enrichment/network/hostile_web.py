"""A web server that behaves as badly as it is told, and a name server: on loopback, for the tests of providers."""

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.rrset

Write = Callable[[bytes], Awaitable[None]]
Behaviour = Callable[["Asked", Write], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    headers: dict[str, str]


def answer(body: bytes, *, status: str = "200 OK", kind: str = "text/html", **headers: str) -> Behaviour:
    """An ordinary answer; names of headers are written with _."""

    async def behave(asked: Asked, write: Write) -> None:
        fields = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        await write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)

    return behave


def after(seconds: float, behaviour: Behaviour) -> Behaviour:
    """The same, later."""

    async def behave(asked: Asked, write: Write) -> None:
        await asyncio.sleep(seconds)
        await behaviour(asked, write)

    return behave


def redirect(location: str) -> Behaviour:
    return answer(b"", status="302 Found", Location=location)


async def silent(asked: Asked, write: Write) -> None:
    """Accepts the request and never answers."""
    await asyncio.sleep(3_600)


async def reset(asked: Asked, write: Write) -> None:
    """Closes the connection without an answer."""


async def garbage(asked: Asked, write: Write) -> None:
    await write(b"\x00\xff no HTTP at all \r\n\r\n" * 20)


async def endless_headers(asked: Asked, write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await write(b"X-More: " + b"a" * 1_000 + b"\r\n")


async def endless_body(asked: Asked, write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>Endless</title>")
    while True:
        await write(b"<p>" + b"x" * 10_000)


async def drip(asked: Asked, write: Write) -> None:
    """A byte now and then, so that no single read takes long."""
    await write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while True:
        await write(b"<")
        await asyncio.sleep(0.05)


async def endless_informational(asked: Asked, write: Write) -> None:
    while True:
        await write(b"HTTP/1.1 103 Early Hints\r\n\r\n")


def bomb(encoding: str) -> Behaviour:
    """Many megabytes of zeros, compressed."""
    compress = gzip.compress if encoding == "gzip" else zlib.compress
    return answer(compress(bytes(50_000_000)), kind="text/html", Content_Encoding=encoding)


NESTED = answer(b"<div>" * 100_000)
"""A page that the parser of pages would read for minutes."""


@dataclass
class HostileWeb:
    """The server; `routes` may be changed while it runs. What has no route is 404."""

    port: int
    routes: dict[str, Behaviour] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [each.path for each in self.asked]


@contextlib.asynccontextmanager
async def hostile_web() -> AsyncIterator[HostileWeb]:
    web = HostileWeb(0)
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        task.add_done_callback(connections.discard)

        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            asked = Asked(head[0].split(" ")[1], headers)
            web.asked.append(asked)
            web.at_once += 1
            web.most_at_once = max(web.most_at_once, web.at_once)
            try:
                route = web.routes.get(asked.path) or web.routes.get(asked.path.partition("?")[0])
                await (route or answer(b"", status="404 Not Found"))(asked, write)
            finally:
                web.at_once -= 1
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # the client went away, or the test is over
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    web.port = server.sockets[0].getsockname()[1]
    try:
        yield web
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


class NameServer(asyncio.DatagramProtocol):
    """Answers A questions by `addresses`, the next list with each question; with None it never answers."""

    def __init__(self, *addresses: list[str] | None) -> None:
        self._addresses = list(addresses)
        self.asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, sender: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.RA
        (name,) = question.question
        if name.rdtype == 1:
            self.asked += 1
            addresses = self._addresses.pop(0) if len(self._addresses) > 1 else self._addresses[0]
            if addresses is None:
                return
            reply.answer.append(dns.rrset.from_text(name.name, 60, "IN", "A", *addresses))
        elif self._addresses[0] is None:
            return
        self._transport.sendto(reply.to_wire(), sender)


@contextlib.asynccontextmanager
async def name_server(*addresses: list[str] | None) -> AsyncIterator[tuple[NameServer, int]]:
    """The server and its port."""
    server = NameServer(*addresses)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: server, ("127.0.0.1", 0))
    try:
        yield server, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()

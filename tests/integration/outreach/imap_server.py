"""A real IMAP server for tests (pymap, in a process of its own), and a connection to it that fails on request."""

import asyncio
import re
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from imapclient import IMAPClient
from prometheus_client import REGISTRY

from deploy.local.ports import free_port
from services.outreach.replies.workers import ImapReader

USER, PASSWORD = "ada", "secret"


class ImapServer:
    """The server. What it holds is gone when it stops, and its folders are made anew when it starts again."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        program = [sys.executable, "-c", "from pymap.main import main; main()"]
        options = ["--no-tls", "--host", "127.0.0.1", "--port", str(self.port)]
        user = ["dict", "--demo-user", USER, "--demo-password", PASSWORD]
        self._process = await asyncio.create_subprocess_exec(
            *program, *options, *user, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while not await self.answers():
            assert time.monotonic() < deadline, "the IMAP server does not start"
            await asyncio.sleep(0.05)

    async def answers(self) -> bool:
        """Whether the server takes connections."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    async def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def call(self, do: Callable[[IMAPClient], object]) -> object:
        """What another mail program does on the server."""

        def there() -> object:
            with IMAPClient("127.0.0.1", self.port, ssl=False, timeout=10) as client:
                client.login(USER, PASSWORD)
                return do(client)

        return await asyncio.to_thread(there)

    async def deliver(self, folder: str, *mails: bytes) -> None:
        def append(client: IMAPClient) -> None:
            for mail in mails:
                client.append(folder, mail)

        await self.call(append)

    async def flags(self, folder: str) -> dict[int, set[bytes]]:
        """The flags of each mail in a folder, by UID."""

        def look(client: IMAPClient) -> dict[int, set[bytes]]:
            client.select_folder(folder, readonly=True)
            uids = client.search("ALL")
            return {uid: set(flags) - {b"\\Recent"} for uid, flags in client.get_flags(uids).items()} if uids else {}

        return await self.call(look)  # type: ignore[return-value]


class Line:
    """A line to the server. It breaks, or answers NO by itself, at the commands that a test names."""

    def __init__(self, server: ImapServer) -> None:
        self._server = server
        self.port = 0
        self.commands: list[str] = []
        """What the client said."""
        self.refuse: str | None = None
        """Commands that match are answered NO."""
        self.cut: str | None = None
        """After a command that matches, so many bytes of the answer pass (`cut_after`), and then the line breaks."""
        self.cut_after = 0
        self._accepting: asyncio.Server | None = None
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._accepting = await asyncio.start_server(self._connect, "127.0.0.1", 0, ssl=tls)
        self.port = self._accepting.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._accepting is not None
        self._accepting.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def heard(self, pattern: str) -> list[str]:
        return [command for command in self.commands if re.search(pattern, command)]

    async def says(self, pattern: str) -> None:
        """Wait until the client says this."""
        async with asyncio.timeout(10):
            while not self.heard(pattern):
                self._news.clear()
                await self._news.wait()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._server.port)
        except OSError:
            writer.close()
            return
        left: list[int] = []
        for side in (self._up(reader, writer, to_server, left), self._down(from_server, writer, left)):
            task = asyncio.create_task(side)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _up(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        to_server: asyncio.StreamWriter,
        left: list[int],
    ) -> None:
        with suppress(OSError):
            while line := await reader.readline():
                command = line.decode("latin-1").strip()
                self.commands.append(command)
                self._news.set()
                if self.refuse and re.search(self.refuse, command):
                    writer.write(command.split()[0].encode() + b" NO [SERVERBUG] it cannot be read\r\n")
                    continue
                if self.cut and re.search(self.cut, command):
                    left.append(self.cut_after)
                to_server.write(line)
                await to_server.drain()
        to_server.close()

    async def _down(self, from_server: asyncio.StreamReader, writer: asyncio.StreamWriter, left: list[int]) -> None:
        with suppress(OSError):
            while data := await from_server.read(65_536):
                if left:
                    writer.write(data[: left[0]])
                    await writer.drain()
                    break
                writer.write(data)
                await writer.drain()
        writer.close()


def a_mail(subject: str = "Hello", size: int = 0) -> bytes:
    return f"From: ada@lead.example\r\nSubject: {subject}\r\n\r\nGoats.\r\n".encode() + b"x" * size


async def read(office: Any, reading: ImapReader) -> int:
    """Let a reader work until nothing is left to do."""
    total = 0
    while done := await reading.step(office.database):
        total += done
    return total


async def subjects(office: Any, tenant: str) -> list[str]:
    """The subjects of the mails that are stored, in the order in which they were."""
    async with office.database.worker() as work:
        rows = await work.fetch("SELECT raw FROM inbound_mail WHERE tenant_id = :t ORDER BY mail_id", t=tenant)
    return [bytes(row["raw"]).split(b"Subject: ")[1].split(b"\r\n")[0].decode() for row in rows]


def failing(reading: ImapReader) -> float | None:
    labels = {"service": "outreach", "account": reading.account.name}
    return REGISTRY.get_sample_value("leadflow_imap_failing", labels)

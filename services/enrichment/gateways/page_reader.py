"""A process that reads web pages: a hostile page takes the parser minutes, and must not hold up anybody else.

`PageReader` is this process's side, `python -m services.enrichment.gateways.page_reader` the other. They speak in
frames of four bytes of length and that many bytes: a page in UTF-8, and the JSON of what it claims.
"""

import asyncio
import os
import resource
import struct
import sys
from asyncio.subprocess import PIPE, Process

import orjson

from services.enrichment.rules.pages import Claim, read_page

SECONDS = 1.5
"""How long one page may take; an ordinary one takes some milliseconds."""
_START_SECONDS = 30.0
_MEMORY = 1_000_000_000
"""Bytes of address space that the process may use."""
_LENGTH = struct.Struct(">I")


class NotRead(Exception):
    """A page could not be read, with the reason as a sentence; the process that tried was ended."""


class PageReader:
    """Reads pages one by one in a process that is started when it is needed, and ended when it hangs."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def read(self, html: str) -> dict[str, Claim]:
        """What a page claims. Raises NotRead."""
        async with self._turn:
            try:
                process = await self._running()
                answer = await asyncio.wait_for(_ask(process, html.encode(errors="replace")), self._seconds)
            except TimeoutError:
                await self.close()
                raise NotRead(f"the page could not be read within {self._seconds:g} seconds") from None
            except (EOFError, OSError) as error:
                await self.close()
                raise NotRead(f"the process that read the page ended ({type(error).__name__})") from None
            except asyncio.CancelledError:
                await self.close()  # its answer would be taken for that of the next page
                raise
        return {name: (value, confidence) for name, (value, confidence) in orjson.loads(answer).items()}

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            # Nothing of our environment: it has the address of the database.
            environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", __name__, stdin=PIPE, stdout=PIPE, env=environment
            )
            await asyncio.wait_for(_ask(self._process, b""), _START_SECONDS)
        return self._process


async def _ask(process: Process, page: bytes) -> bytes:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(_LENGTH.pack(len(page)) + page)
    await process.stdin.drain()
    (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
    return await process.stdout.readexactly(length)


def serve() -> None:
    """Answer pages from standard input until it ends."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while len(head := source.read(_LENGTH.size)) == _LENGTH.size:
        page = source.read(_LENGTH.unpack(head)[0]).decode(errors="replace")
        answer = orjson.dumps(read_page(page) if page else {}, default=lambda _: None)
        sink.write(_LENGTH.pack(len(answer)) + answer)
        sink.flush()


if __name__ == "__main__":
    serve()

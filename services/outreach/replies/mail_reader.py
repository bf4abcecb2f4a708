"""A process that reads mails: what a stranger sends may take long or much memory, and must not hold up anybody else.

`MailReader` is this process's side, `python -m services.outreach.replies.mail_reader` the other. They speak in frames
of four bytes of length and that many bytes; an answer is the JSON of a `ReadMail`.
"""

import asyncio
import os
import resource
import struct
import sys
from asyncio.subprocess import PIPE, Process

import orjson
from pydantic import TypeAdapter

from services.outreach.replies.rules.mail_reading import ReadMail, read_mail

START_SECONDS = 60.0
"""How long the process may take to start: it imports the rules and the model."""
MEMORY = 2_000_000_000
"""Bytes of address space that it may use."""

_LENGTH = struct.Struct(">I")
_READY = b"ready"
_read_mails: TypeAdapter[ReadMail] = TypeAdapter(ReadMail)


class NotRead(Exception):
    """A mail could not be read, with the reason as a sentence; the process that tried was ended."""


class MailReader:
    """Reads mails one by one in a process of its own, which is started when it is needed and ended when it hangs."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def read(self, raw: bytes, seconds: float) -> ReadMail:
        """The mail, read within `seconds`. Raises NotRead."""
        async with self._turn:
            try:
                process = await self._running()
                return _read_mails.validate_json(await asyncio.wait_for(_ask(process, raw), seconds))
            except TimeoutError:
                await self.close()
                raise NotRead(f"it could not be read within {seconds:g} seconds") from None
            except (EOFError, OSError) as error:
                await self.close()
                raise NotRead(f"the process that read it ended ({type(error).__name__})") from None
            except asyncio.CancelledError:
                await self.close()  # its answer would be taken for that of the next mail
                raise
            except ValueError as error:
                raise NotRead(f"it could not be read: {str(error)[:200]}") from None

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _running(self) -> Process:
        """The process, which is started and ready before its first mail. Its start is not counted as reading."""
        if self._process is not None and self._process.returncode is None:
            return self._process
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            stdin=PIPE,
            stdout=PIPE,
            env={name: value for name, value in os.environ.items() if not name.startswith("LEADFLOW_")},  # no secrets
        )
        try:
            await asyncio.wait_for(_frame(self._process), START_SECONDS)
        except (TimeoutError, EOFError, OSError):
            await self.close()
            raise NotRead("the process that reads mails could not be started") from None
        return self._process


async def _ask(process: Process, raw: bytes) -> bytes:
    assert process.stdin is not None
    process.stdin.write(_LENGTH.pack(len(raw)) + raw)
    await process.stdin.drain()
    answer = await _frame(process)
    if answer[:1] != b"{":
        raise ValueError(answer.decode("utf-8", "replace"))
    return answer


async def _frame(process: Process) -> bytes:
    assert process.stdout is not None
    (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
    return await process.stdout.readexactly(length)


def main() -> None:
    """Answer each mail of standard input on standard output until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    source, target = sys.stdin.buffer, sys.stdout.buffer

    def answer(content: bytes) -> None:
        target.write(_LENGTH.pack(len(content)) + content)
        target.flush()

    answer(_READY)
    while len(head := source.read(_LENGTH.size)) == _LENGTH.size:
        raw = source.read(_LENGTH.unpack(head)[0])
        try:
            content = orjson.dumps(read_mail(raw))
        except Exception as error:  # noqa: BLE001 - a mail that breaks the rules must not break the process
            content = f"{type(error).__name__}: {error}".encode("utf-8", "replace")
        answer(content)


if __name__ == "__main__":
    main()

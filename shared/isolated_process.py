"""A child process that reads what strangers send: it may take long or much memory, and must not hold up anybody else.

Both sides speak in frames of four bytes of length and that many bytes: the child sends a first frame when it is ready,
then one answer to each request. A reader of the one kind is a subclass of `IsolatedProcess`; the child calls `serve`.
"""

import asyncio
import resource
import struct
import sys
from abc import ABC, abstractmethod
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Ask = Callable[[bytes], Awaitable[bytes]]
"""Sends a request, and returns the answer to it."""

_LENGTH = struct.Struct(">I")
_READY = b"ready"


class NotRead(Exception):
    """Something could not be read, with the reason as a sentence; a process that tried in vain was ended."""


class IsolatedProcess(ABC):
    """A process that is started when it is needed, asked by one caller at a time, and ended when it hangs.

    `module`: what it runs, as `python -m` does; `what`: what it reads, in the sentences of NotRead; `start_seconds`:
    how long it may take until it is ready, which is not counted as reading.
    """

    def __init__(self, module: str, *, what: str, start_seconds: float) -> None:
        self._module = module
        self._what = what
        self._start_seconds = start_seconds
        self._process: Process | None = None
        self._ready: asyncio.Future[bytes] | None = None
        self._start_by = 0.0
        self._turn = asyncio.Lock()

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """The environment variables of the child: none of the service's secrets."""

    def forget(self) -> None:  # noqa: B027 - most readers know nothing of their process
        """What is known of the process holds no longer: another one will be started."""

    @asynccontextmanager
    async def turn(self, seconds: float) -> AsyncIterator[Ask]:
        """A caller's turn: each of its requests is answered within `seconds`.

        Raises NotRead. The process is ended where its next answer could be taken for that to another request. A caller
        that gives up while it starts leaves it to the next one, or none that is in a hurry would ever be answered.
        """
        is_asking = False

        async def ask(request: bytes) -> bytes:
            nonlocal is_asking
            is_asking = True
            answer = await asyncio.wait_for(_ask(process, request), seconds)
            is_asking = False
            return answer

        async with self._turn:
            try:
                process = await self._running()
                yield ask
            except TimeoutError:
                await self.close()
                raise NotRead(f"{self._what} could not be read within {seconds:g} seconds") from None
            except (EOFError, OSError) as error:
                await self.close()
                raise NotRead(f"the process that read {self._what} ended ({type(error).__name__})") from None
            except asyncio.CancelledError:
                if is_asking:
                    await self.close()
                raise

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        ready, self._ready = self._ready, None
        if ready is not None:
            ready.cancel()
        self.forget()
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _running(self) -> Process:
        loop = asyncio.get_running_loop()
        if self._process is None or self._ready is None or self._process.returncode is not None:
            await self.close()
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self._module, stdin=PIPE, stdout=PIPE, env=self.environment()
            )
            self._ready = asyncio.ensure_future(_frame(self._process))
            self._ready.add_done_callback(_is_over)
            self._start_by = loop.time() + self._start_seconds
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), self._start_by - loop.time())
        except (TimeoutError, EOFError, OSError):
            await self.close()
            raise NotRead(f"the process that reads {self._what} could not be started") from None
        return self._process


def _is_over(ready: asyncio.Future[bytes]) -> None:
    """Somebody waits for it, or has given up: an error is nobody else's."""
    if not ready.cancelled():
        ready.exception()


async def _ask(process: Process, request: bytes) -> bytes:
    assert process.stdin is not None
    process.stdin.write(_LENGTH.pack(len(request)) + request)
    await process.stdin.drain()
    return await _frame(process)


async def _frame(process: Process) -> bytes:
    assert process.stdout is not None
    (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
    return await process.stdout.readexactly(length)


def serve(prepare: Callable[[], None], answer: Callable[[bytes], bytes], *, memory: int) -> None:
    """The child's side: answer the requests of standard input on standard output until the input ends.

    `prepare` is called before the child says that it is ready; `memory`: bytes of address space that it may use.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    source, target = sys.stdin.buffer, sys.stdout.buffer

    def send(content: bytes) -> None:
        target.write(_LENGTH.pack(len(content)) + content)
        target.flush()

    prepare()
    send(_READY)
    while len(head := source.read(_LENGTH.size)) == _LENGTH.size:
        send(answer(source.read(_LENGTH.unpack(head)[0])))

"""A process that reads mails: what a stranger sends may take long or much memory, and must not hold up anybody else.

`MailReader` is this process's side, `python -m services.outreach.replies.mail_reader` the other. They speak in frames
of four bytes of length and that many bytes. A request begins with a byte that says what it is (a mail, an SMS, a
tenant's model) and the digest of the model to use; an answer is the JSON of a `ReadMail` or a `ReadSms`.
"""

import asyncio
import os
import resource
import struct
import sys
from asyncio.subprocess import PIPE, Process
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
from pydantic import TypeAdapter

from services.outreach.replies.rules.mail_reading import ReadMail, ReadSms, read_mail, read_sms
from services.outreach.replies.rules.reply_model import Model, shipped_model

START_SECONDS = 60.0
"""How long the process may take to start: it imports the rules and the model."""
MEMORY = 2_000_000_000
"""Bytes of address space that it may use."""

MODELS = 8
"""Tenants' models that the process keeps, those that were used last."""
WARM = "Hello, could you send me the price list? Next week suits me."

_LENGTH = struct.Struct(">I")
_READY = b"ready"
_MAIL, _SMS, _MODEL = b"m", b"s", b"l"
_DIGEST = 32
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""The model's products are small: more threads only wait for each other. Of our own environment it gets no secrets."""
_SHIPPED = bytes(_DIGEST)
_read_mails: TypeAdapter[ReadMail] = TypeAdapter(ReadMail)
_read_smss: TypeAdapter[ReadSms] = TypeAdapter(ReadSms)


@dataclass(frozen=True, slots=True)
class TenantModel:
    """A tenant's model by its digest (SHA-256); `load` brings its bytes where the process does not have it."""

    digest: bytes
    load: Callable[[], Awaitable[bytes]]


class NotRead(Exception):
    """A mail could not be read, with the reason as a sentence; the process that tried was ended."""


class MailReader:
    """Reads mails one by one in a process of its own, which is started when it is needed and ended when it hangs."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._models: OrderedDict[bytes, None] = OrderedDict()
        """The digests of the models that the process has, in the order in which it forgets them."""

    async def read(self, raw: bytes, seconds: float, model: TenantModel | None = None) -> ReadMail:
        """The mail, read within `seconds`. `model`: the tenant's, else the shipped one. Raises NotRead."""
        return _read_mails.validate_json(await self._answer(_MAIL, raw, seconds, model))

    async def read_sms(self, body: str, seconds: float, model: TenantModel | None = None) -> ReadSms:
        """The SMS, read within `seconds`. `model`: as for a mail. Raises NotRead."""
        content = body.encode("utf-8", "surrogatepass")
        return _read_smss.validate_json(await self._answer(_SMS, content, seconds, model))

    async def _answer(self, kind: bytes, content: bytes, seconds: float, model: TenantModel | None) -> bytes:
        digest = model.digest if model else _SHIPPED
        async with self._turn:
            try:
                process = await self._running()
                if model and digest not in self._models:
                    await asyncio.wait_for(_ask(process, _MODEL + digest + await model.load()), seconds)
                    self._models[digest] = None
                    if len(self._models) > MODELS:
                        self._models.popitem(last=False)
                elif model:
                    self._models.move_to_end(digest)
                return await asyncio.wait_for(_ask(process, kind + digest + content), seconds)
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
        self._models.clear()
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _running(self) -> Process:
        """The process, which is started and ready before its first mail. Its start is not counted as reading."""
        if self._process is not None and self._process.returncode is None:
            return self._process
        self._models.clear()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            stdin=PIPE,
            stdout=PIPE,
            env={
                **_ENVIRONMENT,
                **{k: v for k, v in os.environ.items() if not k.startswith("LEADFLOW_")},
            },  # no secrets
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


class _Models:
    """The models that this process labels with."""

    def __init__(self) -> None:
        self._by_digest: OrderedDict[bytes, Model] = OrderedDict()

    def of(self, digest: bytes) -> Model:
        if digest == _SHIPPED:
            return shipped_model()
        self._by_digest.move_to_end(digest)
        return self._by_digest[digest]

    def add(self, digest: bytes, data: bytes) -> None:
        self._by_digest[digest] = Model.from_bytes(data)
        if len(self._by_digest) > MODELS:
            self._by_digest.popitem(last=False)


def _answer_to(request: bytes, models: _Models) -> bytes:
    kind, digest, content = request[:1], request[1 : 1 + _DIGEST], request[1 + _DIGEST :]
    if kind == _MODEL:
        models.add(digest, content)
        return b"{}"
    if kind == _SMS:
        return orjson.dumps(read_sms(content.decode("utf-8", "surrogatepass"), models.of(digest)))
    return orjson.dumps(read_mail(content, models.of(digest)))


def main() -> None:
    """Answer each request of standard input on standard output until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    source, target = sys.stdin.buffer, sys.stdout.buffer

    def answer(content: bytes) -> None:
        target.write(_LENGTH.pack(len(content)) + content)
        target.flush()

    models = _Models()
    read_sms(WARM)  # loads the model
    answer(_READY)
    while len(head := source.read(_LENGTH.size)) == _LENGTH.size:
        request = source.read(_LENGTH.unpack(head)[0])
        try:
            content = _answer_to(request, models)
        except Exception as error:  # noqa: BLE001 - a mail that breaks the rules must not break the process
            content = f"{type(error).__name__}: {error}".encode("utf-8", "replace")
        answer(content)


if __name__ == "__main__":
    main()

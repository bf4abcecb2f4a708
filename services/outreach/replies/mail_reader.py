"""A process that reads mails: what a stranger sends may take long or much memory, and must not hold up anybody else.

`MailReader` is this process's side, `python -m services.outreach.replies.mail_reader` the other (see
shared/isolated_process.py). A request begins with a byte that says what it is (a mail, an SMS, a tenant's model) and
the digest of the model to use; an answer is the JSON of a `ReadMail` or a `ReadSms`, or else the error of the rules.
"""

import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
from pydantic import TypeAdapter

from services.outreach.replies.rules.mail_reading import ReadMail, ReadSms, read_mail, read_sms
from services.outreach.replies.rules.reply_model import Model, shipped_model
from shared.isolated_process import Ask, IsolatedProcess, NotRead, serve

__all__ = ["MailReader", "NotRead", "TenantModel"]

START_SECONDS = 60.0
"""How long the process may take to start: it imports the rules and the model."""
MEMORY = 2_000_000_000
"""Bytes of address space that it may use."""

MODELS = 8
"""Tenants' models that the process keeps, those that were used last."""
WARM = "Hello, could you send me the price list? Next week suits me."

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


class MailReader(IsolatedProcess):
    """Reads mails one by one in a process of its own."""

    def __init__(self) -> None:
        super().__init__(__name__, what="it", start_seconds=START_SECONDS)
        self._models: OrderedDict[bytes, None] = OrderedDict()
        """The digests of the models that the process has, in the order in which it forgets them."""

    def environment(self) -> dict[str, str]:
        return _ENVIRONMENT | {name: value for name, value in os.environ.items() if not name.startswith("LEADFLOW_")}

    def forget(self) -> None:
        self._models.clear()

    async def read(self, raw: bytes, seconds: float, model: TenantModel | None = None) -> ReadMail:
        """The mail, read within `seconds`. `model`: the tenant's, else the shipped one. Raises NotRead."""
        return _read_mails.validate_json(await self._answer(_MAIL, raw, seconds, model))

    async def read_sms(self, body: str, seconds: float, model: TenantModel | None = None) -> ReadSms:
        """The SMS, read within `seconds`. `model`: as for a mail. Raises NotRead."""
        content = body.encode("utf-8", "surrogatepass")
        return _read_smss.validate_json(await self._answer(_SMS, content, seconds, model))

    async def _answer(self, kind: bytes, content: bytes, seconds: float, model: TenantModel | None) -> bytes:
        async with self.turn(seconds) as ask:
            if model:
                await self._hand_over(model, ask)
            return _checked(await ask(kind + (model.digest if model else _SHIPPED) + content))

    async def _hand_over(self, model: TenantModel, ask: Ask) -> None:
        """Give the process a model that it does not have."""
        if model.digest in self._models:
            self._models.move_to_end(model.digest)
            return
        _checked(await ask(_MODEL + model.digest + await model.load()))
        self._models[model.digest] = None
        if len(self._models) > MODELS:
            self._models.popitem(last=False)


def _checked(answer: bytes) -> bytes:
    if answer[:1] != b"{":
        raise NotRead(f"it could not be read: {answer.decode('utf-8', 'replace')[:200]}")
    return answer


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
    """Read mails until standard input ends."""
    models = _Models()

    def answer(request: bytes) -> bytes:
        try:
            return _answer_to(request, models)
        except Exception as error:  # noqa: BLE001 - a mail that breaks the rules must not break the process
            return f"{type(error).__name__}: {error}".encode("utf-8", "replace")

    serve(_load_model, answer, memory=MEMORY)


def _load_model() -> None:
    read_sms(WARM)


if __name__ == "__main__":
    main()

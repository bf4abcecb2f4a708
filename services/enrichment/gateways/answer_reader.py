"""Processes that read what websites and APIs answer: it may take minutes, and must not hold up anybody else.

The parser of pages is quadratic for a hostile one, some codecs are too, and a tenant's expressions may search a large
document again and again. `AnswerReader` is this process's side, `python -m services.enrichment.gateways.answer_reader`
the other (see shared/isolated_process.py): a request is a line of JSON that says how its bytes are read, and the bytes
as they were received; an answer is JSON too.
"""

import codecs
import os
import re
from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any

import orjson

from services.enrichment.rules.fact_values import read_fact
from services.enrichment.rules.mapping import apply_mapping
from services.enrichment.rules.pages import Claim, read_page
from shared.charsets import text_codec
from shared.countries import country_code
from shared.isolated_process import IsolatedProcess, NotRead, serve
from shared.strict_json import is_too_deep, read_json

__all__ = ["AnswerReader", "NotRead"]

SECONDS = 1.5
"""How long one answer may take; an ordinary one takes some milliseconds."""
_START_SECONDS = 30.0
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_META_CHARSET = re.compile(rb"<meta\b[^>]{0,500}?\bcharset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.I)
_PRESCANNED = 1_024
"""In so many bytes a `<meta>` may name the character set."""
_MEMORY = 1_000_000_000
"""Bytes of address space that a process may use."""


class AnswerReader(IsolatedProcess):
    """Reads answers one by one in a process of its own, each within `seconds`. `what`: as in the sentences of NotRead.

    Pages and documents have a reader each, so that what strangers put on their websites delays no API.
    """

    def __init__(self, what: str, seconds: float = SECONDS) -> None:
        super().__init__(__name__, what=what, start_seconds=_START_SECONDS)
        self._seconds = seconds

    def environment(self) -> dict[str, str]:
        return {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}

    async def read_page(self, body: bytes, charset: str = "") -> dict[str, Claim]:
        """What a web page claims; `charset`: the label in its header. Raises NotRead."""
        claims = await self._read({"charset": charset}, body)
        return {name: (value, confidence) for name, (value, confidence) in claims.items()}

    async def read_document(self, body: bytes, mapping: Mapping[str, str]) -> dict[str, Any]:
        """The values of the facts that a mapping finds in a JSON document, each in its form. Raises NotRead."""
        return await self._read({"mapping": dict(mapping)}, body)

    async def _read(self, how: Mapping[str, Any], body: bytes) -> dict[str, Any]:
        async with self.turn(self._seconds) as ask:
            answer = orjson.loads(await ask(orjson.dumps(how) + b"\n" + body))
        if reason := answer.get("reason"):
            raise NotRead(reason)
        found: dict[str, Any] = answer["found"]
        return found


def _answer(request: bytes) -> bytes:
    line, _, body = request.partition(b"\n")
    how = orjson.loads(line)
    try:
        found = _document(body, how["mapping"]) if "mapping" in how else _page(body, how["charset"])
    except NotRead as error:
        return orjson.dumps({"reason": str(error)})
    return orjson.dumps({"found": found}, default=lambda _: None)


def _page(body: bytes, charset: str) -> Mapping[str, Any]:
    text = body.decode(_codec_of(body, charset), "replace")
    claims = read_page(text) if text else {}
    return {name: claim for name, claim in claims.items() if "\ufffd" not in str(claim[0])}


def _codec_of(body: bytes, label: str) -> str:
    """The codec of a page as browsers find it: by its first bytes, its header, and its `<meta>`.

    Source: html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding
    """
    for mark, codec in _MARKS.items():
        if body.startswith(mark):
            return codec
    if codec := text_codec(label):
        return codec
    stated = _META_CHARSET.search(body, 0, _PRESCANNED)
    codec = text_codec(stated[1].decode("ascii")) if stated else ""
    return "utf-8" if not codec or codec.startswith("utf-16") else codec  # a page in UTF-16 has no such bytes


def _document(body: bytes, mapping: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        document = read_json(body)
    except (JSONDecodeError, UnicodeDecodeError):
        raise NotRead("its answer is not JSON") from None
    if is_too_deep(body, document):
        raise NotRead("its answer is nested too deeply")
    read = {name: read_fact(name, value, country_code) for name, value in apply_mapping(mapping, document).items()}
    return {name: value for name, value in read.items() if value is not None}


def _prepare() -> None:
    """Load what both kinds need, so that the first answer is not late."""
    _page(b"<title>ready</title>", "")
    _document(b'{"country": "de"}', {"country": "country"})


if __name__ == "__main__":
    serve(_prepare, _answer, memory=_MEMORY)

"""A process that reads web pages: a hostile page takes the parser minutes, and must not hold up anybody else.

`PageReader` is this process's side, `python -m services.enrichment.gateways.page_reader` the other (see
shared/isolated_process.py): a request is a page in UTF-8, an answer the JSON of what it claims.
"""

import os

import orjson

from services.enrichment.rules.pages import Claim, read_page
from shared.isolated_process import IsolatedProcess, NotRead, serve

__all__ = ["NotRead", "PageReader"]

SECONDS = 1.5
"""How long one page may take; an ordinary one takes some milliseconds."""
_START_SECONDS = 30.0
_MEMORY = 1_000_000_000
"""Bytes of address space that the process may use."""


class PageReader(IsolatedProcess):
    """Reads pages one by one in a process of its own, each within `seconds`."""

    def __init__(self, seconds: float = SECONDS) -> None:
        super().__init__(__name__, what="the page", start_seconds=_START_SECONDS)
        self._seconds = seconds

    def environment(self) -> dict[str, str]:
        return {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}

    async def read(self, html: str) -> dict[str, Claim]:
        """What a page claims. Raises NotRead."""
        async with self.turn(self._seconds) as ask:
            answer = await ask(html.encode(errors="replace"))
        return {name: (value, confidence) for name, (value, confidence) in orjson.loads(answer).items()}


def _answer(request: bytes) -> bytes:
    page = request.decode(errors="replace")
    return orjson.dumps(read_page(page) if page else {}, default=lambda _: None)


def _load_parser() -> None:
    read_page("<title>ready</title>")


if __name__ == "__main__":
    serve(_load_parser, _answer, memory=_MEMORY)

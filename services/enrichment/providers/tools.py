"""What providers that use a network share: the fetcher, the readers of answers, and what sites ask robots."""

from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic

from services.enrichment.gateways.answer_reader import AnswerReader
from services.enrichment.gateways.fetcher import Fetcher
from services.enrichment.rules.addresses import Target
from services.enrichment.rules.robots import EVERYTHING_REFUSED, MAX_BYTES, NOTHING_ASKED, Robots, read_robots

REDIRECTS = 5
_ROBOTS_SECONDS = 3_600.0
_ROBOTS_KEPT = 2_000


class RobotsCache:
    """What sites ask robots, by origin: kept for an hour, the oldest given up when there are many."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._known: OrderedDict[str, tuple[float, Robots]] = OrderedDict()

    async def allows(self, target: Target) -> bool:
        """Whether the site lets us fetch this. Raises FetchFailed where the site itself cannot be reached."""
        known = self._known.get(target.origin)
        if known is None or known[0] < monotonic():
            known = (monotonic() + _ROBOTS_SECONDS, await self._read(target.origin))
            self._known[target.origin] = known
            while len(self._known) > _ROBOTS_KEPT:
                self._known.popitem(last=False)
        return known[1].allows(target.path)

    async def _read(self, origin: str) -> Robots:
        answer = await self._fetcher.get(f"{origin}/robots.txt", limit=MAX_BYTES, redirects=REDIRECTS)
        if answer.status >= 500 or answer.status == 429:
            return EVERYTHING_REFUSED
        return read_robots(answer.body) if answer.status == 200 else NOTHING_ASKED


@dataclass(frozen=True, slots=True)
class Tools:
    """One of each for a process."""

    fetcher: Fetcher
    pages: AnswerReader
    documents: AnswerReader
    robots: RobotsCache

"""What a site asks robots not to fetch: robots.txt (RFC 9309). The time is linear in the file and in each pattern."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.enrichment.rules.addresses import escaped

AGENT = "leadflow"
"""The product token that a site may name."""
MAX_BYTES = 512_000
"""How much of the file is read; RFC 9309 asks for at least 500 KiB."""
MAX_RULES = 2_000
_MAX_PATTERN = 500


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules for us: (pattern, whether it allows)."""

    rules: tuple[tuple[str, bool], ...] = ()

    def allows(self, path: str) -> bool:
        """Whether the path (with query) may be fetched: the longest pattern counts, and an allow wins a tie."""
        found = [(len(pattern), allow) for pattern, allow in self.rules if matches(pattern, path)]
        return max(found)[1] if found else True


NOTHING_ASKED = Robots()
EVERYTHING_REFUSED = Robots((("/", False),))
"""Where the file cannot be read because the server fails (RFC 9309, 2.3.1.4)."""


def read_robots(body: bytes) -> Robots:
    """The rules of the groups for AGENT, or of those for everybody if it is not named."""
    groups: dict[str, list[tuple[str, bool]]] = {}
    agents: list[str] = []
    open_for_agents = False
    for field, value in _lines(body):
        if field == "user-agent":
            agents = [*agents, value.lower()] if open_for_agents else [value.lower()]
            groups.setdefault(agents[-1], [])
            open_for_agents = len(agents) < 50
        elif field in ("allow", "disallow"):
            open_for_agents = False
            if value:
                for agent in agents:
                    if len(rules := groups[agent]) < MAX_RULES:
                        rules.append((escaped(value[:_MAX_PATTERN]), field == "allow"))
    own = next((rules for agent, rules in groups.items() if agent.partition("/")[0].strip() == AGENT), None)
    return Robots(tuple(own if own is not None else groups.get("*", ())))


def _lines(body: bytes) -> Iterator[tuple[str, str]]:
    for line in body[:MAX_BYTES].decode("utf-8-sig", errors="replace").splitlines():
        field, colon, value = line.partition("#")[0].partition(":")
        if colon:
            yield field.strip().lower(), value.strip()


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern (`*` for any characters, `$` for the end) matches a path from its beginning."""
    to_end = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    for number, part in enumerate(rest):
        if to_end and number == len(rest) - 1:
            return path.endswith(part) and len(path) - len(part) >= at
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return at == len(path) if to_end else True

"""Lines that a mail program broke at the edge of its window: joined, where sentences are read and not lines."""

import re
from collections.abc import Sequence

WRAPPED = 55
"""Characters of a line that may have been broken. Programs break at 60 to 80; a long word comes early onto the next."""
_SENTENCE_END = re.compile(r"[.!?…:。？！][)\]\"'“”’»*_]{0,3}(?: ?[*_]{1,3})?$")
_ITEM = re.compile(r"\s{0,8}(?:[-*+•·–>|]|\d{1,2}[.)]\s)")


def goes_on(line: str, following: str) -> bool:
    """Whether a line was broken where the next one goes on: it is long, and no sentence ends with it."""
    bare = line.rstrip()
    return (
        len(bare) >= WRAPPED
        and not _SENTENCE_END.search(bare[-8:])
        and bool(following.strip())
        and not _ITEM.match(following)
    )


def joined(lines: Sequence[str]) -> list[list[str]]:
    """The lines in groups: each with those that it goes on in."""
    groups: list[list[str]] = []
    for index, line in enumerate(lines):
        if index and goes_on(lines[index - 1], line):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def unwrapped(text: str) -> str:
    """A text whose broken lines are joined."""
    if "\n" not in text:
        return text
    return "\n".join(
        " ".join(map(str.strip, group)) if len(group) > 1 else group[0] for group in joined(text.split("\n"))
    )

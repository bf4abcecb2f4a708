"""Times in stage on a logarithmic scale, so that their median can be read from counters.

Each doubling has four places, so a place is 19 % wide: 2 ** (1 / 4) is 1.19.
"""

import math
from collections.abc import Sequence

PLACES_PER_DOUBLING = 4
UNKNOWN = -1
"""The place of an unknown duration: a `stage.changed` in between was not received."""


def place_of(seconds: float | None) -> int:
    """The place of a duration on the scale: 0 is less than a second, None is UNKNOWN."""
    if seconds is None:
        return UNKNOWN
    return 0 if seconds < 1 else 1 + int(PLACES_PER_DOUBLING * math.log2(seconds))


def median_seconds(counts: Sequence[tuple[int, int]]) -> float | None:
    """The median of durations, from [(place, number)]: right to one place, 19 %, at worst.

    Inside a place the durations are taken as evenly spread on the logarithmic scale. None where all are unknown.
    """
    known = sorted((place, number) for place, number in counts if place != UNKNOWN and number > 0)
    half = sum(number for _, number in known) / 2
    below = 0
    for place, number in known:
        if below + number >= half:
            if place == 0:
                return 0.5
            share = (half - below) / number
            return float(2 ** ((place - 1 + share) / PLACES_PER_DOUBLING))
        below += number
    return None

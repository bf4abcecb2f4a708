"""What is missing: the goal worked backwards through the rates of the steps, as they are at present.

"12 more qualified leads; one in four of the contacted qualifies and half of the captured are contacted: 96 more leads."
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from services.goals.rules.leads import STEPS

WINDOW_DAYS = 90
"""The rates are those of the leads created in the last so many days."""


@dataclass(frozen=True, slots=True)
class StepBack:
    """One step of the way: how many leads have to reach it, and which share of the step before reaches it."""

    step: str
    needed: int | None
    rate: float | None
    """Of those who reached the step before; None for the first step, and where nobody reached the one before."""
    reached: int
    """How many leads of the window reached it: what the rate rests on."""


@dataclass(frozen=True, slots=True)
class Missing:
    missing: int
    captured_leads: int | None
    """How many more leads have to be captured; None where the rates of the window cannot tell."""
    steps: tuple[StepBack, ...]


def missing(value: int, target: int, goal_step: int, reached: Sequence[int]) -> Missing:
    """Work backwards from what is missing at `goal_step` (index in STEPS) to the leads that must be captured.

    `reached` says for each step how many leads of the window reached it, each number at most the one before.
    """
    lacking = max(0, target - value)
    needed: float | None = float(lacking)
    back: list[StepBack] = []
    for index in range(goal_step, -1, -1):
        before = reached[index - 1] if index else 0
        rate = reached[index] / before if index and before else None
        back.append(
            StepBack(
                STEPS[index],
                None if needed is None else math.ceil(needed - 1e-9),
                None if rate is None else round(rate, 4),
                reached[index],
            )
        )
        if index and needed:
            needed = needed / rate if rate else None
    steps = tuple(reversed(back))
    return Missing(lacking, steps[0].needed, steps)

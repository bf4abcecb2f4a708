"""The sales funnel: its steps, and how many leads have to be captured to reach a target at the present rates.

"12 qualified leads are missing; one in four contacted leads qualifies and half of the captured leads are contacted:
96 more leads have to be captured."
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

STEPS = ("captured", "contacted", "qualified", "meeting_held", "won")
"""The steps in order. A lead that reached one counts as having reached those before it."""
CAPTURED, CONTACTED, QUALIFIED, MEETING_HELD, WON = range(len(STEPS))

REACHED_METRICS = tuple(f"reached_{step}" for step in STEPS)
"""The metric of each step: the leads that reached it, by day of creation. The conversion rates follow from these."""

STEP_OF_METRIC = {
    "qualified_created": QUALIFIED,
    "first_qualified": QUALIFIED,
    "meetings_held": MEETING_HELD,
    "won": WON,
}
"""The step that each metric of a goal counts."""

WINDOW_DAYS = 90
"""The conversion rates are those of the leads created in so many days before today."""


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many more leads have to reach a step, and which share of the step before reaches it."""

    step: str
    needed: int | None
    """None where the rates of later steps are unknown or zero."""
    rate: float | None
    """The conversion rate from the step before; None for the first step, and where no lead reached the one before."""
    reached: int
    """How many leads of the window reached the step: the sample behind the rate."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What is missing to a goal's target, and what that means for each step of the funnel."""

    missing: int
    captured_leads: int | None
    """How many more leads have to be captured; None where the rates are unknown or zero."""
    steps: tuple[FunnelStep, ...]


def shortfall(value: int, target: int, goal_step: int, reached: Sequence[int]) -> Shortfall:
    """Work backwards from what is missing at `goal_step` (an index in STEPS) to the leads that have to be captured.

    `reached`: for each step, how many leads of the window reached it; no number is greater than the one before.
    """
    missing = max(0, target - value)
    needed: float | None = float(missing)
    backwards: list[FunnelStep] = []
    for index in range(goal_step, -1, -1):
        before = reached[index - 1] if index else 0
        rate = reached[index] / before if index and before else None
        backwards.append(
            FunnelStep(
                STEPS[index],
                None if needed is None else math.ceil(needed - 1e-9),
                None if rate is None else round(rate, 4),
                reached[index],
            )
        )
        if index and needed:
            needed = needed / rate if rate else None
    steps = tuple(reversed(backwards))
    return Shortfall(missing, steps[0].needed, steps)

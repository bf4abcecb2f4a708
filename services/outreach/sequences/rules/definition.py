"""A sequence as data: ordered steps, each with a delay, a channel, and a text or a strategy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from services.outreach.rules import Window

Review = Literal["each", "first", "template"]
"""Who approves a message: a human each one; the later ones with the first of the enrolment; or the template ahead."""

StepChannel = Literal["email", "sms", "best"]
"""`best`: the best channel of the lead's mode."""

AfterDraft = Literal["skip", "exit", "ask_again"]
"""What follows when a draft of a step is rejected or expires."""

AfterBlock = Literal["skip", "exit"]
"""What follows when a step cannot leave: the step is left out, or the enrolment ends."""

MOST_ATTEMPTS = 3
"""How often a step is drafted again before it is given up."""

ALLOWED_NAMES = (
    *("first_name", "last_name", "full_name", "company", "job_title", "country", "timezone"),
    *("company_name", "industry", "employees", "department", "seniority"),
    "sender",
)
"""The contact fields and facts that a template may use. `sender` is how the message is signed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `number` stays the same in every version of the sequence; the order is that of the list."""

    number: int
    channel: str
    delay: timedelta
    """Since the step before left; of the first step since the enrolment."""
    working_days: bool
    """Whether the days of the delay are working days."""
    review: str
    subject: str | None = None
    body: str | None = None
    strategy: Mapping[str, Any] | None = None
    """How a composer writes the message; None: by `subject` and `body`."""
    fields: tuple[str, ...] = ()
    """The contact fields and facts that the template uses."""
    template_sha256: str | None = None

    def is_same_message(self, other: "Step") -> bool:
        """Whether the step of another version sends what this one sends, by the same approval; delays may differ."""
        return replace(self, delay=other.delay, working_days=other.working_days) == other


@dataclass(frozen=True, slots=True)
class SequenceVersion:
    """One version of a sequence. It never changes."""

    steps: tuple[Step, ...]
    window: Window | None = None
    holidays: str | None = None
    """The country (ISO 3166) whose public holidays are no days for messages."""
    review: str = "each"
    if_blocked: str = "skip"
    if_rejected: str = "skip"
    if_expired: str = "ask_again"
    exit_stages: frozenset[str] = frozenset()
    """Stages that end an enrolment, besides those in which no sequence makes sense."""

    def step(self, number: int) -> Step:
        """The step with that number. KeyError when this version has none."""
        for each in self.steps:
            if each.number == number:
                return each
        raise KeyError(number)

    def following(self, number: int) -> Step | None:
        """The step after that one; None after the last."""
        numbers = [each.number for each in self.steps]
        position = numbers.index(number) + 1
        return self.steps[position] if position < len(self.steps) else None

    @property
    def first(self) -> Step:
        return self.steps[0]

    def approved_with(self, step: Step) -> tuple[Step, ...]:
        """The later steps whose templates a human approves together with the draft of this one."""
        if step.review != "first":
            return ()
        later = self.steps[self.steps.index(step) + 1 :]
        return tuple(each for each in later if each.review == "first" and each.template_sha256)


def review_of(given: str | None, of_sequence: str, *, has_strategy: bool, is_template: bool) -> str:
    """The human rule of a step: its own, else `template` for a template, else the one of the sequence.

    What a composer writes cannot be approved ahead: such a step waits for a human each time.
    """
    if has_strategy:
        return "each"
    return given or ("template" if is_template else of_sequence)


def number_steps(steps: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]], highest: int) -> list[int]:
    """The numbers of the steps of a new version.

    A step keeps the number that it names (`step`), else that of the step of the version before with the same content;
    any other gets a new one, above the `highest` that the sequence ever had. ValueError for a number that the sequence
    never had, or that is named twice.
    """
    named = [each["step"] for each in steps if each.get("step") is not None]
    if len(set(named)) != len(named):
        raise ValueError("two steps name the same number")
    if unknown := [number for number in named if not 1 <= number <= highest]:
        raise ValueError(f"the sequence has no step {unknown[0]}")
    free = [each for each in before if each["step"] not in named]
    numbers = []
    for each in steps:
        number = each.get("step")
        if number is None:
            same = next((old for old in free if _content(old) == _content(each)), None)
            if same is not None:
                free.remove(same)
                number = same["step"]
            else:
                highest += 1
                number = highest
        numbers.append(number)
    return numbers


def _content(step: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(step.get(name) for name in ("channel", "subject", "body", "strategy"))


def step_after_move(old: SequenceVersion, new: SequenceVersion, step: int) -> int | None:
    """The step of the new version that an enrolment takes next, which would take `step` of the old one.

    It is the one after the last step behind it that both versions have; None when that was the last.
    """
    if any(each.number == step for each in new.steps):
        return step
    numbers = [each.number for each in old.steps]
    known = {each.number for each in new.steps}
    behind = [number for number in numbers[: numbers.index(step)] if number in known]
    if not behind:
        return new.first.number
    after = new.following(behind[-1])
    return after.number if after else None

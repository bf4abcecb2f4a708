"""The fold: a lead's signals and timers in order, applied to its journey by the rules of the table."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from . import replies
from .folding import Folding
from .handlers import HANDLERS
from .journey import RULES_VERSION, Journey
from .outcome import Outcome
from .settings import SettingsHistory
from .signals import Order, Signal


def fold(signals: Iterable[Signal], settings: SettingsHistory, until: datetime) -> Outcome:
    """The journey from nothing: all signals in order, and the timers that fire between them and up to `until`.

    The signals may come in any order and more than once. Without a `lead.captured` among them nothing moves: the
    outcome is an untouched journey (`created_on` is None), and the signals wait.
    """
    journey = Journey()
    ordered = _in_order(signals)
    if not any(signal.type == "lead.captured" for signal in ordered):
        return Outcome(journey)
    return _run(journey, ordered, settings, until)


def advance(journey: Journey, new_signals: Iterable[Signal], settings: SettingsHistory, until: datetime) -> Outcome:
    """Goes on from a stored journey, which it changes in place; the outcome tells only what is new.

    Precondition: `can_advance`. Then the journey ends as the full fold of all signals would end it.
    """
    return _run(journey, _in_order(new_signals), settings, until)


def can_advance(journey: Journey, new_signals: Sequence[Signal]) -> bool:
    """Whether `advance` may be used: nothing new is older than what was folded, or changes what it meant.

    An erased lead is always advanced, which ignores everything: its signals are gone, and a fold would lose the counts.
    """
    if journey.erased:
        return True
    last = journey.last_order
    if last is None or journey.created_on is None or journey.rules_version != RULES_VERSION:
        return False
    return all(signal.order > last for signal in new_signals) and not replies.disturbs(journey, new_signals)


def _run(journey: Journey, ordered: list[Signal], settings: SettingsHistory, until: datetime) -> Outcome:
    settled, labels = replies.settle(ordered)
    folding = Folding(journey, settings, labels)
    for signal in settled:
        if journey.erased:
            folding.ignore(signal, "the lead was erased")
            continue
        folding.fire_timers_before(signal.occurred_at)
        journey.last_order = signal.order
        handler = HANDLERS.get(signal.type)
        if handler is not None:
            handler(folding, signal, signal.data)
    folding.fire_timers_until(until)
    return folding.outcome()


def _in_order(signals: Iterable[Signal]) -> list[Signal]:
    found = list(signals)
    if len(found) < 2:
        return found
    first_deliveries: dict[str, Signal] = {}
    for signal in found:
        first_deliveries.setdefault(signal.digest, signal)
    return sorted(first_deliveries.values(), key=_order)


def decided_at(journey: Journey, now: datetime) -> datetime:
    """The time of what a person decides now: later than all they saw."""
    last = journey.last_order
    return now if last is None or last[0] < now else last[0] + timedelta(microseconds=1)


def _order(signal: Signal) -> Order:
    return signal.order

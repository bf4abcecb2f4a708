"""The fold: a lead's signals and timers, in order, applied to its journey.

This file is the loop. `fold_state.py` holds the state of one run and its steps, `handlers/` the effect of each type of
signal, `transitions.py` the rules.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from . import replies
from .fold_state import FoldState
from .handlers import HANDLERS
from .journey import RULES_VERSION, Journey
from .outcome import Outcome
from .settings import SettingsHistory
from .signals import Order, Signal


def fold(signals: Iterable[Signal], settings: SettingsHistory, until: datetime, lead_id: str = "") -> Outcome:
    """The journey from its beginning: all signals in order, and the timers that fire between them and up to `until`.

    The signals may be given in any order and more than once. Without a `lead.captured` among them nothing moves: the
    outcome is a new journey (`created_on` is None), and the signals wait. `lead_id` tells those of the lead itself from
    those of its aliases.
    """
    journey = Journey()
    ordered = _in_order(signals)
    if not any(signal.type == "lead.captured" for signal in ordered):
        return Outcome(journey)
    return _run(journey, ordered, settings, until, lead_id)


def advance(
    journey: Journey, new_signals: Iterable[Signal], settings: SettingsHistory, until: datetime, lead_id: str = ""
) -> Outcome:
    """Continue a stored journey, which is changed in place; the outcome holds only what is new.

    Precondition: `can_advance`. Then the journey ends as the fold of all signals would end.
    """
    return _run(journey, _in_order(new_signals), settings, until, lead_id)


def can_advance(journey: Journey, new_signals: Sequence[Signal]) -> bool:
    """Whether `advance` may be used: the new signals are newer than all folded ones, and change nothing about them.

    An erased lead is always advanced, which ignores the signals: a fold would lose the counts, since the signals of
    the person are gone.
    """
    if journey.erased:
        return True
    last = journey.last_order
    if last is None or journey.created_on is None or journey.rules_version != RULES_VERSION:
        return False
    return all(signal.order > last for signal in new_signals) and not replies.needs_refold(journey, new_signals)


def _run(journey: Journey, ordered: list[Signal], settings: SettingsHistory, until: datetime, lead_id: str) -> Outcome:
    signals, labels = replies.with_last_labels(ordered)
    state = FoldState(journey, settings, labels, lead_id)
    for signal in signals:
        if journey.erased:
            state.ignore(signal, "the lead was erased")
            continue
        state.fire_timers_before(signal.occurred_at)
        journey.last_order = signal.order
        handler = HANDLERS.get(signal.type)
        if handler is not None:
            handler(state, signal, signal.data)
    state.fire_timers_until(until)
    return state.outcome


def _in_order(signals: Iterable[Signal]) -> list[Signal]:
    found = list(signals)
    if len(found) < 2:
        return found
    first_deliveries: dict[tuple[str, str], Signal] = {}
    for signal in found:
        first_deliveries.setdefault((signal.type, signal.digest), signal)
    return sorted(first_deliveries.values(), key=_order)


def decided_at(journey: Journey, now: datetime) -> datetime:
    """The time of what a person decides now: later than all signals that they saw."""
    last = journey.last_order
    return now if last is None or last[0] < now else last[0] + timedelta(microseconds=1)


def _order(signal: Signal) -> tuple[Order, str]:
    """Events of two types may have the same source, id and time."""
    return signal.order, signal.type

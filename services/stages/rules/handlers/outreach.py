"""What outreach does around the messages: mode, channels used up, sequences."""

from collections.abc import Mapping
from typing import Any

from .. import channels
from ..folding import Folding
from ..ignoring import why_ignored
from ..signals import Signal
from ..table import Trigger
from .lead import reachable_anew


def used_up(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    """Marks the channels only when it moves the lead."""
    if folding.fire(Trigger.USED_UP, signal):
        channels.mark_used_up(folding.journey, data.get("channels") or ())
    else:
        folding.ignore(signal, *why_ignored(folding.journey, Trigger.USED_UP, signal))


def mode_changed(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    folding.journey.mode = data["mode"]
    reachable_anew(folding, signal)


def enrolled(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    folding.journey.sequences.setdefault(data["enrolment_id"], True)


def exited(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    folding.journey.sequences[data["enrolment_id"]] = False
    folding.journey.sequence_ended_at = signal.occurred_at

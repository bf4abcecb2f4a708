"""Outreach besides the messages: channels used up, mode, sequences."""

from collections.abc import Mapping
from typing import Any

from .. import channels
from ..fold_state import FoldState
from ..ignored import ignored_reason
from ..signals import Signal
from ..transitions import Trigger
from .lead import channels_changed


def exhausted(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    """Mark the channels as used up, but only when that moves the lead."""
    if fold.fire(Trigger.USED_UP, signal):
        channels.mark_used_up(fold.journey, data.get("channels") or ())
    else:
        fold.ignore(signal, *ignored_reason(fold.journey, Trigger.USED_UP, signal))


def mode_changed(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    fold.journey.mode = data["mode"]
    channels_changed(fold, signal)


def enrolled(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    fold.journey.sequences.setdefault(data["enrolment_id"], True)


def exited(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    fold.journey.sequences[data["enrolment_id"]] = False
    fold.journey.sequence_ended_at = signal.occurred_at


def enrolment_changed(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    """An enrolment that came back runs again; one that is paused or moved runs on."""
    if data["change"] == "restored":
        fold.journey.sequences[data["enrolment_id"]] = True

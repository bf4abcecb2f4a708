"""Manual moves: which moves a person may not make."""

from .stages import DEAD, WON, Stage


def manual_move_refusal(stage: Stage, opted_out: bool, to: Stage) -> str | None:
    """The reason why a person may not make this move; None for an allowed move, and for the present stage."""
    if to is stage:
        return None
    if stage is DEAD:
        return "the lead is dead, and a dead lead is never revived"
    if stage is WON and opted_out and to is not DEAD:
        return "the customer opted out and can only be moved to dead"
    return None

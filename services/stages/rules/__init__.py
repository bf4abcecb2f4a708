"""The rules of the stages: pure functions that decide where a lead is in its journey."""

from .checklist import describe_missing, is_ticked, missing
from .corrections import compare, correction_without_move, last_moment
from .diagram import from_text, transition_diagram, transition_table
from .dry_run import DryRunMove, dry_run
from .explanation import explain
from .fold import advance, can_advance, decided_at, fold
from .hot import is_hot
from .journey import Journey, owner_of
from .manual_moves import manual_move_refusal
from .meetings import has_passed
from .next_action import next_action
from .outcome import BecameHot, Ignored, Outcome, Transition
from .settings import DEFAULT_SETTINGS, Item, SettingsHistory, TenantSettings
from .signals import CHECKLIST_TICK, MANUAL_MOVE, SIGNAL_TYPES, Signal, address_key, signal_data
from .stages import (
    ACTIVE,
    DISQUALIFIED,
    END,
    KINDS,
    MEANINGS,
    OPEN,
    STATUSES,
    Stage,
    status_of,
    title_of,
)
from .timeline import shown_fields
from .timers import QUIET_STAGES, next_due
from .transitions import RULES, Rule

__all__ = [
    "ACTIVE",
    "CHECKLIST_TICK",
    "DEFAULT_SETTINGS",
    "DISQUALIFIED",
    "END",
    "KINDS",
    "MANUAL_MOVE",
    "MEANINGS",
    "OPEN",
    "QUIET_STAGES",
    "RULES",
    "SIGNAL_TYPES",
    "STATUSES",
    "BecameHot",
    "DryRunMove",
    "Ignored",
    "Item",
    "Journey",
    "Outcome",
    "Rule",
    "SettingsHistory",
    "Signal",
    "Stage",
    "TenantSettings",
    "Transition",
    "address_key",
    "advance",
    "can_advance",
    "compare",
    "correction_without_move",
    "decided_at",
    "describe_missing",
    "dry_run",
    "explain",
    "fold",
    "from_text",
    "has_passed",
    "is_hot",
    "is_ticked",
    "last_moment",
    "manual_move_refusal",
    "missing",
    "next_action",
    "next_due",
    "owner_of",
    "shown_fields",
    "signal_data",
    "status_of",
    "title_of",
    "transition_diagram",
    "transition_table",
]

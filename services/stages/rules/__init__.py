"""The rules of the stages: pure, and the only place that decides where a lead stands."""

from .channels import MODES
from .checklist import follows_score, is_ticked, missing, to_qualify
from .corrections import Correction, compare, last_moment, standing_at
from .diagram import from_text, mermaid
from .dryrun import Move, dry_run
from .explain import explain
from .fold import advance, can_advance, decided_at, fold
from .handlers.people import why_no_manual_move
from .journey import RULES_VERSION, Journey, Meeting, Tick
from .outcome import MANUAL, BecameHot, Ignored, Outcome, Transition
from .queue import hot_after, next_action
from .settings import DEFAULT_SETTINGS, Item, Settings, SettingsHistory
from .signals import CHECKLIST_TICK, MANUAL_MOVE, READ_TYPES, Signal, address_key, signal_data
from .stages import (
    ACTIVE,
    DISQUALIFIED,
    END,
    KINDS,
    MEANINGS,
    OPEN,
    PAUSED,
    SEALED,
    STATUSES,
    Stage,
    status_of,
    title_of,
)
from .table import RULES, Rule, Trigger
from .timers import QUIET_STAGES, next_due

__all__ = [
    "ACTIVE",
    "CHECKLIST_TICK",
    "DEFAULT_SETTINGS",
    "DISQUALIFIED",
    "END",
    "KINDS",
    "MANUAL",
    "MANUAL_MOVE",
    "MEANINGS",
    "MODES",
    "OPEN",
    "PAUSED",
    "QUIET_STAGES",
    "READ_TYPES",
    "RULES",
    "RULES_VERSION",
    "SEALED",
    "STATUSES",
    "BecameHot",
    "Correction",
    "Ignored",
    "Item",
    "Journey",
    "Meeting",
    "Move",
    "Outcome",
    "Rule",
    "Settings",
    "SettingsHistory",
    "Signal",
    "Stage",
    "Tick",
    "Transition",
    "Trigger",
    "address_key",
    "advance",
    "can_advance",
    "compare",
    "decided_at",
    "dry_run",
    "explain",
    "fold",
    "follows_score",
    "from_text",
    "hot_after",
    "is_ticked",
    "last_moment",
    "mermaid",
    "missing",
    "next_action",
    "next_due",
    "signal_data",
    "standing_at",
    "status_of",
    "title_of",
    "to_qualify",
    "why_no_manual_move",
]

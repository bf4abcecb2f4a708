"""Scores as a pure function of (model, signals, moment)."""

from services.scoring.rules.default_model import DEFAULT_MODEL, DEFAULT_VERSION
from services.scoring.rules.history import History, history_at
from services.scoring.rules.model import Model, compile_model
from services.scoring.rules.score import Contribution, Reason, Score, explain, main_reasons, score_at
from services.scoring.rules.signals import Signal

__all__ = [
    "DEFAULT_MODEL",
    "DEFAULT_VERSION",
    "Contribution",
    "History",
    "Model",
    "Reason",
    "Score",
    "Signal",
    "compile_model",
    "explain",
    "history_at",
    "main_reasons",
    "score_at",
]

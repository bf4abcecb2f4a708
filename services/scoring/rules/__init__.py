"""What a lead is worth, and why: a pure function of (model, signals, moment)."""

from services.scoring.rules.default_model import DEFAULT_MODEL, DEFAULT_VERSION
from services.scoring.rules.history import History, Signal, gather
from services.scoring.rules.model import Model, compile_model
from services.scoring.rules.score import Contribution, Score, explain, score_at

__all__ = [
    "DEFAULT_MODEL",
    "DEFAULT_VERSION",
    "Contribution",
    "History",
    "Model",
    "Score",
    "Signal",
    "compile_model",
    "explain",
    "gather",
    "score_at",
]

"""What scoring does: score what happened, refresh what is due, answer questions, manage models."""

from services.scoring.use_cases.models import (
    Models,
    activate_model,
    create_model,
    definition_of,
    models_page,
    rescore_progress,
)
from services.scoring.use_cases.questions import Answer, score_of
from services.scoring.use_cases.scores import Cause, forget_leads, settle, take_signals

__all__ = [
    "Answer",
    "Cause",
    "Models",
    "activate_model",
    "create_model",
    "definition_of",
    "forget_leads",
    "models_page",
    "rescore_progress",
    "score_of",
    "settle",
    "take_signals",
]

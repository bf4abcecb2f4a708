"""What scoring does: record signals, keep scores up to date, explain them, manage models and rescores."""

from services.scoring.use_cases.explanations import explain_score
from services.scoring.use_cases.model_cache import ModelCache
from services.scoring.use_cases.models import activate_model, create_model, list_models, read_model
from services.scoring.use_cases.rescores import read_rescore, rescore_page
from services.scoring.use_cases.scores import reasons_of, recompute_scores, refresh_due_scores, scored_event
from services.scoring.use_cases.signals import delete_uncaptured, record_signals

__all__ = [
    "ModelCache",
    "activate_model",
    "create_model",
    "delete_uncaptured",
    "explain_score",
    "list_models",
    "read_model",
    "read_rescore",
    "reasons_of",
    "recompute_scores",
    "record_signals",
    "refresh_due_scores",
    "rescore_page",
    "scored_event",
]

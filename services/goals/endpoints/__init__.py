"""HTTP routes of the goals service: translate the request, call a use case."""

from services.goals.endpoints.goals import router as goals
from services.goals.endpoints.pipeline import router as pipeline
from services.goals.endpoints.reports import router as reports

__all__ = ["goals", "pipeline", "reports"]

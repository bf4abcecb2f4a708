"""HTTP routes: translate the request, call a use case."""

from services.stages.endpoints.people import router as people
from services.stages.endpoints.reading import router as reading
from services.stages.endpoints.settings import router as settings

__all__ = ["people", "reading", "settings"]

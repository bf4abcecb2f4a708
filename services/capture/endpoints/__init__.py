"""HTTP routes: translate the request, call a use case."""

from services.capture.endpoints.imports import router as imports
from services.capture.endpoints.leads import router as leads
from services.capture.endpoints.merges import router as merges

__all__ = ["imports", "leads", "merges"]

"""The HTTP API of drafts: translate the request, call a use case."""

from services.outreach.drafts.endpoints.drafts import router as drafts
from services.outreach.drafts.endpoints.review import router as review
from services.outreach.drafts.endpoints.strategies import router as strategies

__all__ = ["drafts", "review", "strategies"]

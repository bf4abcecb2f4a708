"""HTTP routes: translate the request, call a use case."""

from services.capture.endpoints.forms import router as forms
from services.capture.endpoints.imports import router as imports
from services.capture.endpoints.leads import router as leads
from services.capture.endpoints.merges import router as merges
from services.capture.endpoints.persons import router as persons
from services.capture.endpoints.public_forms import router as public_forms
from services.capture.endpoints.public_webhooks import router as public_webhooks
from services.capture.endpoints.webhooks import router as webhooks

__all__ = ["forms", "imports", "leads", "merges", "persons", "public_forms", "public_webhooks", "webhooks"]

"""The enrichment service: routes and consumer, wired together."""

from fastapi import FastAPI

from services.enrichment.consumers import handle
from services.enrichment.endpoints import router
from services.enrichment.settings import Settings
from shared.service import Service


def create_app(settings: Settings | None = None, only: str | None = None) -> FastAPI:
    """The whole service, or with `only` (api, consumers, workers) one part of it."""
    service = Service("enrichment", settings or Settings(), only=only)
    service.routes(router)
    service.consume(handle)
    return service.app

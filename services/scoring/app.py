"""The scoring service: routes, consumer and workers, wired together."""

from fastapi import FastAPI

from services.scoring.consumers import handler
from services.scoring.endpoints import router
from services.scoring.settings import Settings
from services.scoring.use_cases import ModelCache
from services.scoring.workers import purger, refresher, rescorer
from shared.service import Service


def create_app(settings: Settings | None = None, only: str | None = None) -> FastAPI:
    """The whole service, or with `only` (api, consumers, workers) one part of it."""
    settings = settings or Settings()
    service = Service("scoring", settings, only=only)
    models = ModelCache()
    service.app.state.models = models
    service.routes(router)
    service.consume(handler(models), inbox=False)
    service.work("refresher", refresher(models), every=settings.refresh_seconds)
    service.work("rescorer", rescorer(models), every=1.0)
    service.work("purger", purger(settings.waiting_days), every=600.0)
    return service.app

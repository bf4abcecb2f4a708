"""The stage service: its consumer, routes and workers."""

from fastapi import FastAPI

from services.stages import endpoints
from services.stages.consumers import handle
from services.stages.settings import Settings
from services.stages.store import leads
from services.stages.workers import apply_settings, delete_uncaptured, fire_timers
from shared.service import Service


def create_app(settings: Settings | None = None, only: str | None = None) -> FastAPI:
    """The whole service, or with `only` (api, consumers, workers) one part of it."""
    settings = settings or Settings()
    service = Service("stages", settings, only=only)
    service.routes(*endpoints.ROUTERS)
    service.consume(handle, inbox=False, keep_raw=True)
    service.measure(leads.measure_timers)
    service.work("timers", fire_timers, every=0.5)
    service.work("settings", apply_settings, every=1.0)
    service.work("waiting", delete_uncaptured(settings.waiting_days), every=600.0)
    return service.app

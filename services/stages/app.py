"""The stage service, wired."""

from fastapi import FastAPI

from services.stages.consumers import handle
from services.stages.endpoints import people, reading
from services.stages.endpoints import settings as settings_routes
from services.stages.settings import Settings
from services.stages.workers import apply_settings, fire_timers, forget_waiting
from shared.service import Service


def create_app(settings: Settings | None = None, only: str | None = None) -> FastAPI:
    """The whole service, or with `only` (api, consumers, workers) one part of it."""
    settings = settings or Settings()
    service = Service("stages", settings, only=only)
    service.routes(reading, people, settings_routes)
    service.consume(handle, inbox=False, keep_raw=True)
    service.work("timers", fire_timers, every=0.5)
    service.work("settings", apply_settings, every=1.0)
    service.work("waiting", forget_waiting(settings.waiting_days), every=600.0)
    return service.app

"""The goals service, wired."""

from fastapi import FastAPI

from services.goals.consumers import counting
from services.goals.endpoints import router
from services.goals.settings import Settings
from services.goals.workers import closing, passing, reading_on, telling
from shared.service import Service


def create_app(settings: Settings | None = None, only: str | None = None) -> FastAPI:
    """The whole service, or with `only` (api, consumers, workers) one part of it."""
    settings = settings or Settings()
    service = Service("goals", settings, only=only)

    def tell() -> None:
        service.wake("progress")

    service.routes(router)
    service.consume(counting(tell))
    service.work("progress", telling(settings))
    service.work("periods", closing(settings, reading_on(lambda: service.consumer, settings.batch_records)))
    service.work("meetings", passing(tell), every=0.5)
    return service.app

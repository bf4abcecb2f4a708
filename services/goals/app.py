"""The goals service, wired."""

from fastapi import FastAPI

from services.goals import endpoints
from services.goals.consumers import lead_events
from services.goals.settings import Settings
from services.goals.workers import close_periods, count_passed_meetings, publish_progress
from shared.service import Service


def create_app(settings: Settings | None = None, only: str | None = None) -> FastAPI:
    """The whole service, or with `only` (api, consumers, workers) one part of it."""
    settings = settings or Settings()
    service = Service("goals", settings, only=only)

    def wake_progress() -> None:
        service.wake("progress")

    service.routes(endpoints.goals, endpoints.reports, endpoints.pipeline)
    service.consume(lead_events(wake_progress))
    service.work("progress", publish_progress(settings))
    service.work("periods", close_periods(settings, service.has_read))
    service.work("meetings", count_passed_meetings(wake_progress), every=0.5)
    return service.app

"""The stage service, wired."""

from fastapi import FastAPI

from services.stages.settings import Settings
from shared.service import Service


def create_app(settings: Settings | None = None, only: str | None = None) -> FastAPI:
    """The whole service, or with `only` (api, consumers, workers) one part of it."""
    service = Service("stages", settings or Settings(), only=only)
    return service.app

"""The capture service: everything it is made of, wired once."""

from fastapi import FastAPI

from services.capture import consumers, endpoints, workers
from services.capture.gateways import Addresses
from services.capture.schemas import submitted_model
from services.capture.settings import Settings
from services.capture.use_cases.gathering import Gathering
from shared.service import Service


def create_app(settings: Settings | None = None, only: str | None = None) -> FastAPI:
    settings = settings or Settings()
    service = Service("capture", settings, only=only)
    readers = Addresses(settings.default_region)
    service.app.state.readers = readers
    service.app.state.gathering = Gathering(service.database)
    service.routes(endpoints.leads, endpoints.merges, endpoints.imports)
    service.streams(r"/v1/imports")
    service.consume(consumers.on_lead_submitted, reads=[submitted_model(readers)])
    service.work("imports", workers.imports(settings, readers), every=1.0)
    return service.app

"""The capture service, put together."""

from fastapi import FastAPI

from services.capture import consumers, endpoints, workers
from services.capture.gateways import OfflineContactNormaliser
from services.capture.schemas.leads import submitted_model
from services.capture.settings import Settings
from services.capture.use_cases.micro_batching import MicroBatcher
from shared.service import Service


def create_app(settings: Settings | None = None, only: str | None = None) -> FastAPI:
    settings = settings or Settings()
    service = Service("capture", settings, only=only)
    normaliser = OfflineContactNormaliser(settings.default_region)
    service.app.state.normaliser = normaliser
    service.app.state.micro_batcher = MicroBatcher(service.database)
    service.routes(endpoints.leads, endpoints.persons, endpoints.merges, endpoints.imports)
    service.routes(endpoints.forms, endpoints.public_forms, endpoints.webhooks, endpoints.public_webhooks)
    service.streams(r"/v1/imports(/preview)?")
    service.consume(
        consumers.on_lead_submitted, reads=[submitted_model(normaliser)], refuse=consumers.on_submission_refused
    )
    service.work("imports", workers.imports(settings, normaliser), every=1.0)
    service.work("duplicates", workers.duplicates(settings), every=0.5)
    service.work("forms", workers.sweep_form_uses, every=60.0)
    return service.app

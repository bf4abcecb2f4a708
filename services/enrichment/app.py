"""The enrichment service: routes, consumer and workers, wired together."""

from datetime import timedelta

from fastapi import FastAPI

from services.enrichment import workers
from services.enrichment.consumers import handler
from services.enrichment.endpoints import router
from services.enrichment.gateways.answer_reader import AnswerReader
from services.enrichment.gateways.fetcher import Fetcher
from services.enrichment.providers.tools import RobotsCache, Tools
from services.enrichment.rules.addresses import AllowedHosts
from services.enrichment.settings import Settings
from shared.service import Service


def create_app(settings: Settings | None = None, only: str | None = None) -> FastAPI:
    """The whole service, or with `only` (api, consumers, workers) one part of it."""
    settings = settings or Settings()
    service = Service("enrichment", settings, only=only)
    allowed = AllowedHosts.read(settings.allowed_private_hosts)
    service.app.state.allowed_hosts = allowed
    service.routes(router)
    service.consume(handler(timedelta(seconds=settings.first_within_seconds), lambda: service.wake("lookups")))
    fetcher = Fetcher(allowed, settings.user_agent, ca_file=settings.ca_file)
    tools = Tools(fetcher, AnswerReader("the page"), AnswerReader("its answer"), RobotsCache(fetcher))
    asking = workers.LookupWorker(tools, settings.lookups, lambda: service.wake("publications"))
    service.work("lookups", asking.step, every=settings.poll_seconds)
    service.work("publications", workers.publish_due, every=settings.poll_seconds)
    service.work("refreshes", workers.refresh_answers, every=60.0)
    service.work("outdated", workers.sweep_answers, every=300.0)
    service.on_stop(asking.close)
    service.on_stop(tools.pages.close)
    service.on_stop(tools.documents.close)
    return service.app

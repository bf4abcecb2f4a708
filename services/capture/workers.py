"""The worker of capture: it imports uploaded files page by page."""

from services.capture.rules.contact import ContactNormaliser
from services.capture.settings import Settings
from services.capture.use_cases.imports import import_next_page
from shared.db import Database
from shared.work import Step


def imports(settings: Settings, normaliser: ContactNormaliser) -> Step:
    """A step that imports one page of one file; the running imports take turns."""

    async def step(database: Database) -> int:
        return await import_next_page(database, normaliser, settings.import_page, settings.import_outbox_limit)

    return step

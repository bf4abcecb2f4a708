"""What is due by itself: the pages of imports."""

from services.capture.rules.contact import Readers
from services.capture.settings import Settings
from services.capture.use_cases.imports import import_step
from shared.db import Database
from shared.work import Step


def imports(settings: Settings, readers: Readers) -> Step:
    """Takes one page of one import, in turn."""

    async def step(database: Database) -> int:
        return await import_step(database, readers, settings.import_page, settings.import_outbox_limit)

    return step

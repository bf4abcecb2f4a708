"""The workers of capture: they import uploaded files, search for likely duplicates, and forget who used a form."""

from itertools import count

from services.capture.rules.contact import ContactNormaliser
from services.capture.settings import Settings
from services.capture.use_cases.duplicates import search_next_page
from services.capture.use_cases.forms import sweep_uses
from services.capture.use_cases.imports import import_next_page
from shared.db import Database
from shared.work import Step


def imports(settings: Settings, normaliser: ContactNormaliser) -> Step:
    """A step that imports one page of one file; the running imports take turns."""

    async def step(database: Database) -> int:
        return await import_next_page(database, normaliser, settings.import_page, settings.import_outbox_limit)

    return step


def duplicates(settings: Settings) -> Step:
    """A step that searches for the duplicates of one page of leads; while capture is busy, in one round of ten."""
    rounds = count()

    async def step(database: Database) -> int:
        also_when_busy = next(rounds) % 10 == 0
        return await search_next_page(
            database, settings.duplicate_threshold, settings.duplicate_page, also_when_busy=also_when_busy
        )

    return step


async def sweep_form_uses(database: Database) -> int:
    """A step that deletes counts of the visitors of forms that are over."""
    return await sweep_uses(database)

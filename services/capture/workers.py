"""The workers of capture: they import uploaded files page by page, and forget who used a form."""

from services.capture.rules.contact import ContactNormaliser
from services.capture.settings import Settings
from services.capture.use_cases.forms import sweep_uses
from services.capture.use_cases.imports import import_next_page
from shared.db import Database
from shared.work import Step


def imports(settings: Settings, normaliser: ContactNormaliser) -> Step:
    """A step that imports one page of one file; the running imports take turns."""

    async def step(database: Database) -> int:
        return await import_next_page(database, normaliser, settings.import_page, settings.import_outbox_limit)

    return step


async def sweep_form_uses(database: Database) -> int:
    """A step that deletes counts of the visitors of forms that are over."""
    return await sweep_uses(database)

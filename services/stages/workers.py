"""What is due without anybody asking: timers, and signals that waited too long for their lead."""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.stages.store import leads, settings
from services.stages.use_cases.judging import Judging
from shared.db import Database
from shared.ids import LeadKey
from shared.store import outbox
from shared.work import Step

log = structlog.get_logger()

PAGE = 200
AGAIN_AFTER = timedelta(minutes=10)


async def fire_timers(database: Database) -> int:
    """Fold what has fallen due (a meeting passed, a lead gone quiet); the number of leads looked at.

    Two replicas may see the same lead: the lock makes one of them second, and for it nothing is due any more.
    """
    async with database.worker() as work:
        due = await leads.due(work, PAGE)
    if not due:
        return 0
    try:
        await _fire(database, due)
    except SQLAlchemyError:
        raise
    except Exception as error:
        log.error("timers.page_failed", leads=len(due), exc_info=error)
        await _fire_each(database, due)
    return len(due)


async def _fire(database: Database, due: Sequence[LeadKey]) -> None:
    async with database.worker(tenant for tenant, _ in due) as work:
        judging = await Judging.begin(work, due)
        await judging.decide({})


async def _fire_each(database: Database, due: Sequence[LeadKey]) -> None:
    """One lead whose story breaks a rule of ours must not stop the timers of all others: it is tried again later."""
    for lead in due:
        try:
            await _fire(database, [lead])
        except SQLAlchemyError:
            raise
        except Exception as error:
            log.error("timers.lead_failed", tenant=lead[0], lead=str(lead[1]), exc_info=error)
            async with database.worker([lead[0]]) as work:
                await leads.put_off(work, lead, AGAIN_AFTER)


async def apply_settings(database: Database) -> int:
    """Set one page of leads' timers by their tenant's new settings: a shorter quiet period may be over at once."""
    async with database.worker() as work:
        tenant = await settings.to_apply(work)
        if tenant is None or not await outbox.is_short(work):
            return 0
    async with database.worker([tenant]) as work:
        version = await settings.claim(work, tenant)
        if version is None:
            return 0
        page = await leads.that_may_go_quiet(work, tenant, version["reached"], PAGE)
        judging = await Judging.begin(work, page)
        await judging.decide({})
        over = len(page) < PAGE
        reached = page[-1][1] if page else None
        await settings.progress(work, tenant, version["valid_from"], reached=reached, over=over)
    return max(1, len(page))


def forget_waiting(days: float) -> Step:
    """A step that removes the signals of leads that were not captured within `days`."""

    async def step(database: Database) -> int:
        async with database.worker() as work:
            return await leads.forget_waiting(work, days, PAGE)

    return step

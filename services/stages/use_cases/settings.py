"""The tenant's settings: read, change, and try a change on all leads before it is saved."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from services.stages.rules import DryRunMove, TenantSettings, dry_run
from services.stages.store import leads, settings
from shared.db import Database, UnitOfWork

PAGE = 1_000
"""Leads that the dry run reads in one transaction."""

MOVES_SHOWN = 1_000
"""The most moves that the answer of a dry run lists; its total counts all."""

LONGEST_RUN = 25.0
"""Seconds after which a dry run answers with what it has found so far."""

Change = Callable[[TenantSettings], dict[str, Any]]
"""The present settings -> the JSON of the changed ones."""


async def change_settings(work: UnitOfWork, change: Change, actor: str) -> TenantSettings:
    """Store changed settings, which hold from now on; older signals keep the settings of their time."""
    now = await settings.hold_alone(work)
    changed = change((await settings.history(work)).at(now))
    await settings.add_version(work, changed, actor, now)
    return TenantSettings.from_json(changed)


async def dry_run_settings(database: Database, tenant: str, change: Change) -> dict[str, Any]:
    """The moves that a change would bring, now and within 30 days.

    `total` counts them, `moves` lists the first thousand, `complete` is False when the time was too short for all
    leads. Each page of leads is a transaction.
    """
    moves: list[dict[str, Any]] = []
    total, last, complete = 0, None, False
    begun = time.monotonic()
    while time.monotonic() - begun < LONGEST_RUN:
        async with database.tenant(tenant) as work:
            history = await settings.history(work)
            changed = TenantSettings.from_json(change(history.at(work.now)), work.now)
            page = await leads.page(work, last, PAGE)
            for record in page:
                for move in dry_run(record.journey, history, changed, work.now):
                    total += 1
                    if len(moves) < MOVES_SHOWN:
                        moves.append(_as_json(record.lead_id, move))
        if len(page) < PAGE:
            complete = True
            break
        last = page[-1].lead_id
    moves.sort(key=lambda move: (move["at"], str(move["lead_id"])))
    return {"total": total, "moves": moves, "complete": complete}


def _as_json(lead_id: UUID, move: DryRunMove) -> dict[str, Any]:
    return {
        "lead_id": lead_id,
        "from": move.transition.from_.value,
        "to": move.transition.to.value,
        "at": move.transition.occurred_at,
        "rule": move.transition.rule,
        "anyway": move.anyway,
    }

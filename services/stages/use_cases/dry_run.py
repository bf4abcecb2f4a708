"""A dry run: which leads would move, now and within 30 days, if the settings were these."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from services.stages.rules import Settings, dry_run
from services.stages.store import leads, settings
from shared.db import Database

PAGE = 1_000
SHOWN = 1_000
LONGEST = 25.0
"""Seconds after which the answer says how far it got."""

Change = Callable[[Settings], dict[str, Any]]
"""The present settings -> the JSON of those to try."""


async def try_settings(database: Database, tenant: str, change: Change) -> dict[str, Any]:
    """`total` moves, the first thousand of them, and whether all leads were looked at. A page is one transaction."""
    moves: list[dict[str, Any]] = []
    total, last, complete = 0, None, False
    begun = time.monotonic()
    while time.monotonic() - begun < LONGEST:
        async with database.tenant(tenant) as work:
            history = (await settings.histories(work, [tenant]))[tenant]
            changed = Settings.from_json(change(history.at(work.now)), work.now)
            page = await leads.after(work, last, PAGE)
            for standing in page:
                for move in dry_run(standing.journey, history, changed, work.now):
                    total += 1
                    if len(moves) < SHOWN:
                        moves.append(_move(standing.lead_id, move.transition, move.anyway))
        if len(page) < PAGE:
            complete = True
            break
        last = page[-1].lead_id
    moves.sort(key=lambda move: (move["at"], str(move["lead_id"])))
    return {"total": total, "moves": moves, "complete": complete}


def _move(lead_id: UUID, transition: Any, anyway: bool) -> dict[str, Any]:
    return {
        "lead_id": lead_id,
        "from": transition.from_.value,
        "to": transition.to.value,
        "at": transition.occurred_at,
        "rule": transition.rule,
        "anyway": anyway,
    }

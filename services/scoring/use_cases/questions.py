"""Questions about a score: now, then, later, why, and what if another model counted."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.scoring import store
from services.scoring.rules import Contribution, Score, explain, gather, score_at
from services.scoring.use_cases.models import Models
from shared.db import UnitOfWork
from shared.errors import NotFound
from shared.store.aliases import aliases_of, resolve


@dataclass(frozen=True, slots=True)
class Answer:
    """A score and every contribution to it. `lead_id` is the lead that the id asked for stands for now."""

    lead_id: UUID
    score: Score
    contributions: list[Contribution]


async def score_of(
    work: UnitOfWork,
    models: Models,
    tenant: str,
    lead_id: UUID,
    *,
    as_of: datetime | None = None,
    version: int | None = None,
) -> Answer:
    """The score recomputed from the signals, by the model that counts now or by `version`.

    `as_of` may lie in the past (only what had happened by then) or ahead (if nothing else happens). NotFound for a lead
    that is not there, or that nobody had captured by then.
    """
    kept = (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id]
    ids = [(tenant, kept), *((tenant, alias) for alias in (await aliases_of(work, [(tenant, kept)]))[tenant, kept])]
    row = await store.read_lead(work, (tenant, kept))
    signals = [signal for found in (await store.load_signals(work, ids)).values() for signal in found]
    moment = as_of or max([work.now, *([row.scored_at] if row and row.scored_at else [])])
    history = gather(signals, kept, moment)
    if history is None:
        raise NotFound("there is no such lead" if as_of is None else "there was no such lead at that moment")
    if version is None:
        version = (await models.active(work, [tenant]))[tenant]
    model = await models.load(work, tenant, version)
    return Answer(kept, score_at(model, history, moment), explain(model, history, moment))

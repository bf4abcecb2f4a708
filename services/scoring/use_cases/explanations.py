"""The score of a lead with every contribution to it: now, at another moment, or by another model."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.scoring import store
from services.scoring.rules import Contribution, Score, explain, history_at, score_at
from services.scoring.use_cases.model_cache import ModelCache
from shared.db import UnitOfWork
from shared.errors import NotFound
from shared.store.aliases import aliases_of, resolve
from shared.store.erasure import erased_among


@dataclass(frozen=True, slots=True)
class ExplainedScore:
    """A score and every contribution to it. For an alias, `lead_id` is the lead that it belongs to."""

    lead_id: UUID
    score: Score
    contributions: list[Contribution]


async def explain_score(
    work: UnitOfWork,
    models: ModelCache,
    tenant: str,
    lead_id: UUID,
    *,
    as_of: datetime | None = None,
    version: int | None = None,
) -> ExplainedScore:
    """The score recomputed from the signals, by the active model or by `version`.

    `as_of` may be in the past (what had happened by then counts) or in the future (if nothing else happens). Raises
    NotFound for an unknown or erased lead, one that was not captured by then, and an unknown version.
    """
    kept = (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id]
    if await erased_among(work, [(tenant, kept)]):
        raise NotFound("there is no such lead")  # though an alias of it may wait for its own erasure
    ids = [(tenant, kept), *((tenant, alias) for alias in (await aliases_of(work, [(tenant, kept)]))[tenant, kept])]
    record = await store.read_lead(work, (tenant, kept))
    signals = [signal for of_one in (await store.load_signals(work, ids)).values() for signal in of_one]
    moment = as_of or max([work.now, *([record.scored_at] if record and record.scored_at else [])])
    history = history_at(signals, kept, moment)
    if history is None:
        raise NotFound("there is no such lead" if as_of is None else "there was no such lead at that moment")
    if version is None:
        version = (await models.load_active(work, [tenant]))[tenant]
    model = await models.load(work, tenant, version)
    return ExplainedScore(kept, score_at(model, history, moment), explain(model, history, moment))

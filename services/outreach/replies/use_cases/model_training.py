"""Training a tenant's own reply model with the labels that its people gave."""

import asyncio
from dataclasses import asdict, dataclass

from services.outreach.replies.rules.reply_model import shipped_model
from services.outreach.replies.store import reply_models
from services.outreach.replies.training import LabelledReply, read
from services.outreach.replies.training.adaptation import (
    FEWEST,
    LARGEST,
    MOST,
    Comparison,
    adapted,
    compared,
)
from shared.db import Database
from shared.errors import Conflict


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model that was trained and is not in use yet, with its figures beside those of the shipped one."""

    model: bytes
    comparison: Comparison


async def train_for(database: Database, tenant: str) -> TrainedModel:
    """Train a model for the tenant. Raises Conflict where its people have labelled too little."""
    async with database.worker() as work:
        labels = await reply_models.human_labels(work, tenant, MOST)
    rows = [LabelledReply(*each) for each in labels]
    if len(rows) < FEWEST or len({row.label for row in rows}) < 2:
        raise Conflict(
            f"people have labelled {len(rows)} replies of {tenant}; it takes {FEWEST}, with two different labels"
        )
    trained = await asyncio.to_thread(_trained, rows)
    if len(trained.model) > LARGEST:
        raise Conflict(f"the model has {len(trained.model):,} bytes; {LARGEST:,} are allowed")
    return trained


def _trained(rows: list[LabelledReply]) -> TrainedModel:
    readings, shipped = read(rows), shipped_model()
    return TrainedModel(adapted(shipped, rows, readings).to_bytes(), compared(shipped, rows, readings))


async def use_model(database: Database, tenant: str, trained: TrainedModel) -> None:
    """Let the model label the tenant's replies from the next one on."""
    async with database.worker([tenant]) as work:
        await reply_models.save(
            work, tenant, trained.model, trained.comparison.replies, asdict(trained.comparison.tenant)
        )


async def use_shipped_model(database: Database, tenant: str) -> bool:
    """Let the shipped model label the tenant's replies again; False where it does so already."""
    async with database.worker([tenant]) as work:
        return await reply_models.delete(work, tenant)

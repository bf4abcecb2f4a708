"""What scoring publishes."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.events.base import Event, Model, Moment, Text, open_enum

Band = Annotated[str, open_enum("A", "B", "C", "D", otherwise="D")]
Points = Annotated[int, Field(ge=-1_000, le=1_000)]


class ScoreReason(Model):
    """One rule of the model that gave or took points."""

    rule: Text
    score: Text
    points: float
    times: int
    fact: Text | None = None
    field: Text | None = None


class LeadScored(Event):
    """The lead's scores in whole points, as of the moment `scored_at`, with the three reasons that weigh most."""

    type = "lead.scored"
    publisher = "scoring"
    lead_id: UUID | None = None
    fit: Points
    intent: Points
    engagement: Points
    total: Points
    band: Band
    model_version: int
    scored_at: Moment
    revision: int | None = None
    reasons: list[ScoreReason] | None = None

"""What scoring publishes."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.events.base import Event, Moment, open_enum

Band = Annotated[str, open_enum("A", "B", "C", "D", otherwise="D")]
Points = Annotated[int, Field(ge=-1_000, le=1_000)]


class LeadScored(Event):
    """The lead's scores in whole points, as of the moment `scored_at`."""

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

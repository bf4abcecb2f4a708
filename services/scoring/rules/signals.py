"""A signal: an event that a model can read, as it is stored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

Data = Mapping[str, Any]
"""The data of an event."""


class Signal(NamedTuple):
    """One event about a lead. `lead_id` is the id that it was received with, even if that is an alias now."""

    lead_id: UUID
    type: str
    at: datetime
    id: str
    source: str
    data: Data

    @property
    def order(self) -> tuple[datetime, bytes, bytes]:
        """Signals of a lead count in this order."""
        return (self.at, self.id.encode(), self.source.encode())

"""Settings of the goals service: environment variables `LEADFLOW_GOALS_*`."""

from pydantic import Field

from shared.settings import ServiceSettings, service_config


class Settings(ServiceSettings):
    """What the goals service needs to know, besides what all services do."""

    model_config = service_config("goals")

    progress_every_seconds: float = Field(default=1.0, ge=0.05)
    """`goal.progressed` is said at most so often for each goal."""
    close_after_seconds: float = Field(default=2.0, ge=0)
    """How long after its end a period is closed, so that what is under way still counts."""
    close_patience_seconds: float = Field(default=600.0, ge=0)
    """How long closing waits at most while this process still has events of the past to read (after a downtime)."""

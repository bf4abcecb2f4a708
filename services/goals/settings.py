"""Settings of the goals service: environment variables `LEADFLOW_GOALS_*`."""

from pydantic import Field

from shared.settings import ServiceSettings, service_config


class Settings(ServiceSettings):
    """The settings of the goals service, besides those of every service."""

    model_config = service_config("goals")

    progress_every_seconds: float = Field(default=1.0, ge=0.05)
    """The least time between two `goal.progressed` of a goal."""
    close_after_seconds: float = Field(default=2.0, ge=0)
    """A period is closed so long after its end, so that events which are under way still count."""
    close_patience_seconds: float = Field(default=600.0, ge=0)
    """Closing waits at most so long while the service still has events of the period to read (after a downtime)."""

"""Settings of the scoring service: environment variables `LEADFLOW_SCORING_*`."""

from shared.settings import ServiceSettings, service_config


class Settings(ServiceSettings):
    """What the scoring service needs to know, besides what all services do."""

    model_config = service_config("scoring")

    refresh_seconds: float = 5.0
    """How often to look for scores that have changed by themselves."""
    waiting_days: float = 30.0
    """How long signals wait for a lead that is not captured yet, in days."""

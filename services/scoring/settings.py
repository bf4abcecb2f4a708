"""Settings of the scoring service: environment variables `LEADFLOW_SCORING_*`."""

from shared.settings import ServiceSettings, service_config


class Settings(ServiceSettings):
    """The settings that all services have, and these."""

    model_config = service_config("scoring")

    refresh_seconds: float = 5.0
    """How often the refresher looks for scores that are due."""
    waiting_days: float = 30.0
    """How many days signals of a lead that is not captured yet are kept."""

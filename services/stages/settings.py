"""Settings of the stage service: environment variables `LEADFLOW_STAGES_*`."""

from shared.settings import ServiceSettings, service_config


class Settings(ServiceSettings):
    """What the stage service needs to know, besides what all services do."""

    model_config = service_config("stages")

    waiting_days: float = 30.0
    """How long signals wait for a lead that is not captured yet, in days."""

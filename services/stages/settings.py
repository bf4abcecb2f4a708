"""Settings of the stage service: environment variables `LEADFLOW_STAGES_*`."""

from shared.settings import ServiceSettings, service_config


class Settings(ServiceSettings):
    """The settings of the stage service, besides those that all services have."""

    model_config = service_config("stages")

    waiting_days: float = 30.0
    """How long signals wait for a lead that is not captured yet, in days."""

"""Settings of the enrichment service: environment variables `LEADFLOW_ENRICHMENT_*`."""

from shared.settings import ServiceSettings, service_config


class Settings(ServiceSettings):
    """Only the settings that all services have."""

    model_config = service_config("enrichment")

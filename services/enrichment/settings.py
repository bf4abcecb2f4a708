"""Settings of the enrichment service: environment variables `LEADFLOW_ENRICHMENT_*`."""

from shared.settings import ServiceSettings, service_config


class Settings(ServiceSettings):
    """Nothing of its own yet, besides what all services need to know."""

    model_config = service_config("enrichment")

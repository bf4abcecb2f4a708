"""The settings of capture, besides those of every service. Environment: `LEADFLOW_CAPTURE_*`."""

from pydantic import Field

from shared.settings import ServiceSettings, service_config


class Settings(ServiceSettings):
    model_config = service_config("capture")

    default_region: str = Field(default="", pattern="^([A-Za-z]{2})?$")
    """The country (ISO 3166 alpha-2) of a national phone number whose lead names none; empty: the number is invalid."""
    import_page: int = Field(default=1_000, ge=1, le=5_000)
    """Rows of an import in one transaction."""
    import_outbox_limit: int = Field(default=5_000, ge=1)
    """Imports pause while more events than this wait in the outbox, so that they do not delay live leads."""
    duplicate_threshold: float = Field(default=0.5, ge=0, le=1)
    """How likely two leads have to be one person, from 0 to 1, to become a pair for review."""
    duplicate_page: int = Field(default=200, ge=1, le=1_000)
    """Leads whose duplicates are searched for in one transaction."""
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    """How many proxies of your own stand before this service and append to X-Forwarded-For."""

"""What capture needs to know besides what all services do. Environment: `LEADFLOW_CAPTURE_*`."""

from pydantic import Field

from shared.settings import ServiceSettings, service_config


class Settings(ServiceSettings):
    model_config = service_config("capture")

    default_region: str = Field(default="", pattern="^([A-Za-z]{2})?$")
    """Where a national phone number lies if its lead names no country: ISO 3166 alpha-2; empty: it is refused."""
    import_page: int = Field(default=1_000, ge=1, le=5_000)
    """Rows of an import in one transaction."""
    import_outbox_limit: int = Field(default=5_000, ge=1)
    """An import waits while more events than this wait in the outbox: live leads are not held up by a file."""

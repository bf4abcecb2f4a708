"""Settings from the environment: what all services share, and one prefix for each service's own."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def service_config(service: str) -> SettingsConfigDict:
    """Environment variables of `service` begin with `LEADFLOW_<SERVICE>_`."""
    return SettingsConfigDict(
        env_prefix=f"LEADFLOW_{service.upper()}_", extra="ignore", hide_input_in_errors=True, populate_by_name=True
    )


class ServiceSettings(BaseSettings):
    """What every service needs to know of its surroundings."""

    kafka_bootstrap: str = Field(default="127.0.0.1:9092", validation_alias="LEADFLOW_KAFKA_BOOTSTRAP")
    oidc_issuer: str = Field(default="", validation_alias="LEADFLOW_OIDC_ISSUER")
    oidc_jwks_url: str = Field(default="", validation_alias="LEADFLOW_OIDC_JWKS_URL")
    oidc_audience: str = Field(default="leadflow", validation_alias="LEADFLOW_OIDC_AUDIENCE")
    otlp_endpoint: str | None = Field(default=None, validation_alias="LEADFLOW_OTLP_ENDPOINT")
    log_level: str = Field(default="INFO", validation_alias="LEADFLOW_LOG_LEVEL")

    database_url: str
    host: str = "127.0.0.1"
    port: int = 0
    consumer_group: str | None = None
    """The Kafka consumer group; `leadflow-<service>` unless it is set."""
    batch_records: int = Field(default=1_000, ge=1, le=5_000)
    """At most so many records in one transaction."""
    pool_size: int = Field(default=5, ge=1)
    """Database connections of each role, doubled under load."""
    grace_seconds: float = 15.0
    """How long a stop waits for what is under way."""

"""Settings from the environment: what all services share, and one prefix for each service's own.

Each can also be read from a file: `LEADFLOW_OUTREACH_SECRET_FILE` names a file with `LEADFLOW_OUTREACH_SECRET`.
"""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.db import DatabaseAddress
from shared.http.token_claims import ClaimSettings
from shared.messaging.connection import DEFAULT_BOOTSTRAP, Kafka, KafkaSecurity
from shared.secret_files import Settings


def service_config(service: str) -> SettingsConfigDict:
    """Environment variables of `service` begin with `LEADFLOW_<SERVICE>_`."""
    return SettingsConfigDict(
        env_prefix=f"LEADFLOW_{service.upper()}_", extra="ignore", hide_input_in_errors=True, populate_by_name=True
    )


class ServiceSettings(Settings):
    """What every service needs to know of its surroundings."""

    kafka_bootstrap: str = Field(default=DEFAULT_BOOTSTRAP, validation_alias="LEADFLOW_KAFKA_BOOTSTRAP")
    kafka_security: KafkaSecurity = Field(default_factory=KafkaSecurity, validation_alias="kafka_security")
    """TLS and SASL: `LEADFLOW_KAFKA_*`."""
    oidc: ClaimSettings = Field(default_factory=ClaimSettings, validation_alias="oidc")
    """What the claims of a token mean: `LEADFLOW_OIDC_*`."""
    oidc_issuer: str = Field(default="", validation_alias="LEADFLOW_OIDC_ISSUER")
    oidc_jwks_url: str = Field(default="", validation_alias="LEADFLOW_OIDC_JWKS_URL")
    """Where the issuer's keys are; empty: where the issuer's discovery document says."""
    oidc_audience: str = Field(default="leadflow", validation_alias="LEADFLOW_OIDC_AUDIENCE")
    """The audiences that are accepted, separated by commas."""
    otlp_endpoint: str | None = Field(default=None, validation_alias="LEADFLOW_OTLP_ENDPOINT")
    log_level: str = Field(default="INFO", validation_alias="LEADFLOW_LOG_LEVEL")

    database_url: str = ""
    """postgresql://user:password@host:port/database?sslmode=...; or a file with it, or without password."""
    database_url_file: Path | None = None
    database_password: SecretStr = SecretStr("")
    """The password, where the address has none."""
    database_password_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    public_url: str = ""
    """Where others reach this service; with a path, if a proxy puts it below one. Empty: where a request arrives."""
    consumer_group: str | None = None
    """The Kafka consumer group; `leadflow-<service>` unless it is set."""
    batch_records: int = Field(default=1_000, ge=1, le=5_000)
    """At most so many records in one transaction."""
    pool_size: int = Field(default=5, ge=1)
    """Database connections of each role, doubled under load."""
    drain_seconds: float = Field(default=0.0, ge=0, le=120)
    """How long HTTP is still served after SIGTERM, while `/readyz` already refuses: until no proxy sends more."""
    grace_seconds: float = 15.0
    """How long a stop waits for what is under way."""

    @model_validator(mode="after")
    def _has_a_database(self) -> Self:
        if bool(self.database_url) == (self.database_url_file is not None):
            variable = f"{self.model_config.get('env_prefix', '')}DATABASE_URL"
            raise ValueError(f"give one of {variable} and {variable}_FILE")
        return self

    @property
    def database(self) -> DatabaseAddress:
        return DatabaseAddress(
            self.database_url, self.database_url_file, self.database_password, self.database_password_file
        )

    @property
    def kafka(self) -> Kafka:
        return Kafka(self.kafka_bootstrap, self.kafka_security)

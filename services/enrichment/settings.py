"""Settings of the enrichment service: environment variables `LEADFLOW_ENRICHMENT_*`."""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from services.enrichment.rules.addresses import AllowedHosts
from shared.settings import ServiceSettings, service_config


class Settings(ServiceSettings):
    """Which private hosts providers may call, and how much time and how many connections they get."""

    model_config = service_config("enrichment")

    allowed_private_hosts: Annotated[list[str], NoDecode] = Field(default_factory=list)
    """Hosts that may have a private address and any port, as `host` or `host:port`, separated by commas."""
    ca_file: Path | None = None
    """Authorities that certificates are verified by, besides the usual ones."""
    user_agent: str = "Leadflow/1.0 (reads company facts; robots.txt: leadflow)"
    """What websites and APIs are told of who asks."""
    first_within_seconds: float = Field(default=3.0, ge=0, le=60)
    """How long a lead waits for its providers before its first `lead.enriched` is published without them."""
    lookups: int = Field(default=32, ge=1, le=500)
    """How many questions one process asks at the same time."""
    poll_seconds: float = Field(default=0.25, gt=0)
    """How often the workers look for due work when nothing wakes them."""

    @field_validator("allowed_private_hosts", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return json.loads(value) if value.lstrip().startswith('["') else value.replace(",", " ").split()

    @field_validator("allowed_private_hosts")
    @classmethod
    def _are_hosts(cls, hosts: list[str]) -> list[str]:
        AllowedHosts.read(hosts)
        return hosts

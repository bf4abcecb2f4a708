"""The settings of a service as the commands find them: in their own environment, else in the local run's record."""

import os
from collections.abc import Mapping
from pathlib import Path

from cli.errors import Refused
from shared.names import SERVICES


def require_service(name: str) -> None:
    """Raises Refused for a name that is not a service."""
    if name not in SERVICES:
        raise Refused(f"there is no service {name!r}; the services are {', '.join(SERVICES)}")


def service_environment(data: Path, service: str) -> Mapping[str, str]:
    """The LEADFLOW_* settings of a service. This process's own environment wins over the record. Raises Refused."""
    from deploy.local.run_record import NotRunning, RunRecord

    require_service(service)
    try:
        recorded = RunRecord.load(data).services[service].environment
    except NotRunning:
        recorded = {}
    own = {key: value for key, value in os.environ.items() if key.startswith("LEADFLOW_")}
    return {**recorded, **own}


def database_url(environment: Mapping[str, str], service: str) -> str:
    """The address of a service's database. Raises Refused when it is unknown."""
    name = f"LEADFLOW_{service.upper()}_DATABASE_URL"
    if not (url := environment.get(name)):
        raise Refused(
            f"the address of {service}'s database is unknown; set {name}, or name the folder of a local run with --data"
        )
    return url


def mail_domain(environment: Mapping[str, str]) -> str:
    """The domain below which the deployment's tenants have their default mailboxes."""
    from services.outreach.settings import Settings

    default: str = Settings.model_fields["mail_domain"].default
    return environment.get("LEADFLOW_OUTREACH_MAIL_DOMAIN", default)

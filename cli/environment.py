"""The settings of a service as the commands find them: in their own environment, else in the local run's record."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import Refused
from shared.names import SERVICES

if TYPE_CHECKING:
    from shared.db import DatabaseAddress


def setting(name: str) -> str:
    """A setting of this process's environment, or the content of the file that `<name>_FILE` names; '' for none."""
    from shared.secret_files import SUFFIX, read_setting

    file = os.environ.get(name + SUFFIX)
    return read_setting(file) if file else os.environ.get(name, "")


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


def database_address(environment: Mapping[str, str], service: str, kind: str = "DATABASE") -> "DatabaseAddress | None":
    """The address of a service's database as `LEADFLOW_<SERVICE>_<kind>_URL` and its companions say, if they do."""
    from pydantic import SecretStr

    from shared.db import DatabaseAddress

    prefix = f"LEADFLOW_{service.upper()}_{kind}"
    url, url_file = environment.get(f"{prefix}_URL", ""), environment.get(f"{prefix}_URL_FILE")
    password_file = environment.get(f"{prefix}_PASSWORD_FILE")
    if not url and not url_file:
        return None
    return DatabaseAddress(
        "" if url_file else url,
        Path(url_file) if url_file else None,
        SecretStr(environment.get(f"{prefix}_PASSWORD", "")),
        Path(password_file) if password_file else None,
    )


def require_database(environment: Mapping[str, str], service: str) -> "DatabaseAddress":
    """The address of a service's database. Raises Refused when it is unknown."""
    if (address := database_address(environment, service)) is None:
        raise Refused(
            f"the address of {service}'s database is unknown; set LEADFLOW_{service.upper()}_DATABASE_URL, or name the "
            "folder of a local run with --data"
        )
    return address


def mail_domain(environment: Mapping[str, str]) -> str:
    """The domain below which the deployment's tenants have their default mailboxes."""
    from services.outreach.settings import Settings

    default: str = Settings.model_fields["mail_domain"].default
    return environment.get("LEADFLOW_OUTREACH_MAIL_DOMAIN", default)

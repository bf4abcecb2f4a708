"""`leadflow tenants`: what a deployment gives to its tenants. No tenant can give it to itself over the API."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cli.database import with_database
from cli.environment import mail_domain
from cli.options import DEFAULT_DATA, Data

if TYPE_CHECKING:
    from shared.db import Database, UnitOfWork

app = typer.Typer(help="What this deployment gives to its tenants: domains to send from.", no_args_is_help=True)

Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant.")]
Domain = Annotated[str, typer.Argument(metavar="DOMAIN", help="A mail domain, like acme.com. Subdomains count apart.")]
_T = TypeVar("_T")


@app.command("allow-domain")
def allow_domain(tenant: Tenant, domain: Domain, data: Data = DEFAULT_DATA) -> None:
    """Let a tenant send from a domain, and no other tenant. Make sure first that the domain is really the tenant's."""
    from services.outreach.sending.use_cases import sending_domains

    name = _with_outreach(tenant, data, lambda work, mail: sending_domains.allow(work, tenant, domain, mail))
    typer.echo(f"{tenant} may send from {name}.")


@app.command("withdraw-domain")
def withdraw_domain(tenant: Tenant, domain: Domain, data: Data = DEFAULT_DATA) -> None:
    """Take a domain from a tenant. What is approved and waits to be sent from it is refused when it is due."""
    from services.outreach.sending.use_cases import sending_domains

    name = _with_outreach(tenant, data, lambda work, mail: sending_domains.withdraw(work, tenant, domain, mail))
    typer.echo(f"{tenant} may not send from {name} any more.")


@app.command("domains")
def domains(tenant: Tenant, data: Data = DEFAULT_DATA) -> None:
    """List the domains that a tenant may send from, its default domain first."""
    from services.outreach.sending.use_cases import sending_domains

    for name in _with_outreach(tenant, data, lambda work, mail: sending_domains.all_domains(work, tenant, mail)):
        typer.echo(name)


def _with_outreach(tenant: str, data: Path, act: "Callable[[UnitOfWork, str], Awaitable[_T]]") -> _T:
    """Call `act` with a transaction of outreach's worker role and the deployment's mail domain."""

    async def run(database: "Database", environment: Mapping[str, str]) -> _T:
        async with database.worker([tenant]) as work:
            return await act(work, mail_domain(environment))

    return with_database("outreach", data, run)

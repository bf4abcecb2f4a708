"""`leadflow token`."""

from typing import Annotated

import typer

from cli.errors import Refused
from cli.options import DEFAULT_DATA, Data
from shared.names import ROLES, TENANT_FORM, is_tenant

_MOST_SECONDS = 36_525 * 24 * 3600


def token(
    tenant: Annotated[str, typer.Option("--tenant", help="The tenant that the token is for.")],
    role: Annotated[
        list[str], typer.Option("--role", help="viewer, reviewer, operator, admin or service; may be repeated.")
    ],
    subject: Annotated[str, typer.Option("--subject", help="The person; shown as human:<subject>.")] = "local",
    ttl: Annotated[int, typer.Option("--ttl", help="Seconds until the token expires.")] = 12 * 3600,
    audience: Annotated[
        str | None, typer.Option("--audience", help="The audience, if it is not that of the services.")
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Print a bearer token signed by the local identity provider."""
    from deploy.local.identity import AUDIENCE, ISSUER, Identity
    from deploy.local.run_record import NotRunning, RunRecord

    if unknown := [name for name in role if name not in ROLES]:
        raise Refused(f"there is no role {', '.join(unknown)}; the roles are {', '.join(ROLES)}")
    if not subject:
        raise Refused("--subject is empty; every service would refuse this token")
    if abs(ttl) > _MOST_SECONDS:
        raise Refused(f"--ttl is at most {_MOST_SECONDS} seconds, which are 100 years")
    if not is_tenant(tenant):
        raise Refused(f"a tenant is of the form {TENANT_FORM}; every service would refuse this token")
    try:
        record = RunRecord.load(data)
        identity = Identity(data, issuer=record.issuer, audience=record.audience)
    except NotRunning:
        identity = Identity(data, issuer=ISSUER, audience=AUDIENCE)
    typer.echo(identity.sign_token(tenant, role, subject, ttl, audience))

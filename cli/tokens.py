"""`leadflow token`."""

from typing import Annotated

import typer

from cli.options import DEFAULT_DATA, Data, Refused


def token(
    tenant: Annotated[str, typer.Option("--tenant", help="The tenant that the token is for.")],
    role: Annotated[
        list[str], typer.Option("--role", help="viewer, reviewer, operator, admin or service; may be repeated.")
    ],
    subject: Annotated[str, typer.Option("--subject", help="Who it is: shown as human:<subject>.")] = "local",
    ttl: Annotated[int, typer.Option("--ttl", help="Seconds that it holds.")] = 12 * 3600,
    audience: Annotated[str | None, typer.Option("--audience", help="Another audience than the services'.")] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Print a bearer token signed by the local identity."""
    from deploy.local.identity import AUDIENCE, ISSUER, ROLES, Identity
    from deploy.local.run import NoRun, Run

    if unknown := [name for name in role if name not in ROLES]:
        raise Refused(f"there is no role {', '.join(unknown)}; there are {', '.join(ROLES)}")
    try:
        run = Run.load(data)
        identity = Identity(data, issuer=run.issuer, audience=run.audience)
    except NoRun:
        identity = Identity(data, issuer=ISSUER, audience=AUDIENCE)
    typer.echo(identity.mint(tenant, role, subject, ttl, audience))

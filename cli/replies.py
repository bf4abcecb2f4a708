"""`leadflow replies`: the stored replies of a tenant."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.database import with_database
from cli.environment import mail_domain
from cli.options import DEFAULT_DATA, DEMO_TENANT, Data, Tenant
from cli.wording import counted

if TYPE_CHECKING:
    from services.outreach.replies.use_cases.rereading import Reread
    from shared.db import Database

app = typer.Typer(help="The stored replies of a tenant.", no_args_is_help=True)


@app.callback()
def replies() -> None:
    """The stored replies of a tenant."""


@app.command("reread")
def reread(
    since: Annotated[
        datetime, typer.Option("--since", help="Only mails that arrived since then (UTC).", formats=["%Y-%m-%d"])
    ] = datetime(1970, 1, 1),
    tenant: Tenant = DEMO_TENANT,
    data: Data = DEFAULT_DATA,
) -> None:
    """Read the stored mails again, with the rules of the version that is installed now.

    What a person labelled stays. An opt-out stays too, until an operator takes it back.
    """
    result = with_database("outreach", data, lambda database, settings: _reread(database, settings, tenant, since))
    typer.echo(f"Read {counted(result.read, 'mail')} again; {result.changed} say something else now.")
    if result.kept:
        typer.echo(f"{counted(result.kept, 'opt-out')} would not be found now and stay; only operators take them back.")
    if result.not_read:
        typer.echo(f"{counted(result.not_read, 'mail')} could not be read.")


async def _reread(database: "Database", environment: Mapping[str, str], tenant: str, since: datetime) -> "Reread":
    import services.outreach.app  # noqa: F401 - connects the hooks: an opt-out that is found now ends drafts
    from services.outreach.context import keys_of
    from services.outreach.replies.mail_reader import MailReader
    from services.outreach.replies.use_cases import rereading

    keys = await keys_of(database, environment.get("LEADFLOW_OUTREACH_SECRET", ""))
    reader = MailReader()
    try:
        return await rereading.reread(
            database, reader, keys, mail_domain(environment), tenant, since.replace(tzinfo=UTC)
        )
    finally:
        await reader.close()

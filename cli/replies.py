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
    from services.outreach.replies.use_cases.model_training import TrainedModel
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


@app.command("train")
def train(
    tenant: Tenant = DEMO_TENANT,
    yes: Annotated[bool, typer.Option("--yes", help="Use the trained model without asking.")] = False,
    back_to_shipped: Annotated[
        bool, typer.Option("--back-to-shipped", help="Train nothing; let the shipped model label replies again.")
    ] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Train a model of replies with the labels that the tenant's people gave, and use it if it is better.

    Its figures are those for replies that it did not know (cross-validation), beside those of the shipped model.
    """
    if back_to_shipped:
        had_own = with_database("outreach", data, lambda database, _: _use_shipped(database, tenant))
        typer.echo(f"The shipped model labels the replies of {tenant}{'' if had_own else ' already'}.")
        return
    trained = with_database("outreach", data, lambda database, _: _train(database, tenant))
    comparison = trained.comparison
    typer.echo(f"Trained with {counted(comparison.replies, 'label')} of {tenant}. On replies that it did not know:\n")
    typer.echo(f"{'':<28}{'shipped':>9}{'trained':>9}")
    for name, of in _FIGURES.items():
        typer.echo(f"{name:<28}{getattr(comparison.shipped, of):>9.3f}{getattr(comparison.tenant, of):>9.3f}")
    if not yes and not typer.confirm("\nLet the trained model label the next replies?", default=False):
        typer.echo("Nothing was changed.")
        return
    with_database("outreach", data, lambda database, _: _use(database, tenant, trained))
    typer.echo(f"The trained model labels the replies of {tenant} from now on. --back-to-shipped takes that back.")


_FIGURES = {
    "macro-F1": "macro_f1",
    "labelled right": "right",
    "opt-outs found": "opt_outs_found",
    "others taken for opt-outs": "false_opt_outs",
}


async def _train(database: "Database", tenant: str) -> "TrainedModel":
    from services.outreach.replies.use_cases import model_training

    return await model_training.train_for(database, tenant)


async def _use(database: "Database", tenant: str, trained: "TrainedModel") -> None:
    from services.outreach.replies.use_cases import model_training

    await model_training.use_model(database, tenant, trained)


async def _use_shipped(database: "Database", tenant: str) -> bool:
    from services.outreach.replies.use_cases import model_training

    return await model_training.use_shipped_model(database, tenant)


async def _reread(database: "Database", environment: Mapping[str, str], tenant: str, since: datetime) -> "Reread":
    import services.outreach.app  # noqa: F401 - connects the hooks: an opt-out that is found now ends drafts
    from services.outreach.context import keys_of
    from services.outreach.replies.mail_reader import MailReader
    from services.outreach.replies.use_cases import rereading
    from services.outreach.settings import Settings

    keys = await keys_of(database, Settings().secret.get_secret_value())
    reader = MailReader()
    try:
        return await rereading.reread(
            database, reader, keys, mail_domain(environment), tenant, since.replace(tzinfo=UTC)
        )
    finally:
        await reader.close()

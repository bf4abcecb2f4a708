"""`leadflow demo ...`: each step of the demo by itself."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.options import DEFAULT_DATA, DEMO_TENANT, Data, Refused, Tenant, refusing

app = typer.Typer(help="The demo's steps, to be repeated by hand.", no_args_is_help=True)

Lead = Annotated[str, typer.Argument(metavar="LEAD", help="A lead id, or `top`: the best new lead with an e-mail.")]


@app.command("queue")
def queue(
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 15,
    tenant: Tenant = DEMO_TENANT,
    data: Data = DEFAULT_DATA,
) -> None:
    """Print the top of the lead queue."""
    from cli.demo import steps

    with refusing():
        for item in steps.queue(data, tenant, limit=limit):
            who = steps.contact(data, tenant, item["lead_id"])
            typer.echo(
                f"{item['score_total']:>4}  {item.get('band') or '-'}  {item['stage']:18} {item['lead_id']}  "
                f"{steps.name_of(who)}, {who.get('company') or '-'}"
            )


@app.command("publish")
def publish(
    file: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="A JSON list of leads.")] = None,
    tenant: Tenant = DEMO_TENANT,
    data: Data = DEFAULT_DATA,
) -> None:
    """Hand leads over on Kafka as another system does (`lead.submitted`); one of the demo's cannot be taken."""
    from cli.demo import steps
    from deploy.local.run import Run

    with refusing():
        bootstrap = Run.load_running(data).kafka.bootstrap
    submissions = json.loads((file or steps.FILES / "website.json").read_text())
    if not isinstance(submissions, list):
        raise Refused("the file holds no JSON list")
    typer.echo(f"{steps.publish(bootstrap, tenant, submissions)} records published on lead.submitted")


@app.command("draft")
def draft(
    lead: Lead,
    kind: Annotated[str, typer.Option("--kind", help="first, follow_up, answer or nurture.")] = "first",
    tenant: Tenant = DEMO_TENANT,
    data: Data = DEFAULT_DATA,
) -> None:
    """Ask the agent for a message to a lead. It only drafts: a person approves."""
    from cli.demo import steps

    with refusing():
        lead_id = steps.find_lead(data, tenant, lead)
        steps.ask_draft(data, tenant, lead_id, kind)
    typer.echo(f"asked for a {kind} message to {lead_id}; `leadflow demo approve {lead_id}` shows and approves it")


@app.command("drafts")
def drafts(tenant: Tenant = DEMO_TENANT, data: Data = DEFAULT_DATA) -> None:
    """List the drafts that wait for a person."""
    from cli.demo import steps

    with refusing():
        waiting = steps.pending_drafts(data, tenant)
    for item in waiting:
        typer.echo(f"{item['draft_id']}  {item['kind']:10} to {item['to']}: {item.get('subject') or ''}")
    if not waiting:
        typer.echo("no draft waits")


@app.command("approve")
def approve(
    which: Annotated[str, typer.Argument(metavar="DRAFT", help="A draft id, or the id of the lead it is for.")],
    tenant: Tenant = DEMO_TENANT,
    data: Data = DEFAULT_DATA,
) -> None:
    """Show a draft and approve exactly these words: the approval names the hash of what is shown."""
    from cli.demo import steps

    with refusing():
        found = steps.find_draft(data, tenant, which)
        typer.echo(f"To: {found['to']}\nSubject: {found.get('subject') or ''}\n")
        typer.echo("\n".join(f"    {line}" for line in str(found["body"]).splitlines()))
        steps.approve(data, tenant, found)
    typer.echo(f"\napproved {found['draft_id']} by its hash {found['sha256'][:12]}...")


@app.command("qualify")
def qualify(lead: Lead, tenant: Tenant = DEMO_TENANT, data: Data = DEFAULT_DATA) -> None:
    """Tick the qualification checklist of a lead, as a salesperson does after a call."""
    from cli.demo import steps

    with refusing():
        lead_id = steps.find_lead(data, tenant, lead)
        ticked = steps.qualify(data, tenant, lead_id)
        stage = steps.lead(data, tenant, lead_id)["stage"]
    typer.echo(f"ticked {', '.join(ticked)}: {lead_id} is now {stage}")


@app.command("goal")
def goal(tenant: Tenant = DEMO_TENANT, data: Data = DEFAULT_DATA) -> None:
    """Show the demo's goal; the first time, set it."""
    from cli.demo import steps

    with refusing():
        found = steps.goal(data, tenant)
    typer.echo(f"{found['name']}: {found['current_value']} of {found['target']}")


@app.command("timeline")
def timeline(lead: Lead, tenant: Tenant = DEMO_TENANT, data: Data = DEFAULT_DATA) -> None:
    """Print what happened to a lead, the newest first."""
    from cli.demo import steps

    with refusing():
        activities = steps.timeline(data, tenant, steps.find_lead(data, tenant, lead))
    for activity in activities:
        told = activity.get("data") or {}
        move = f"{told['from']} -> {told['to']} ({told.get('rule')})" if told.get("from") else told.get("reason") or ""
        typer.echo(f"{activity['occurred_at'][:19]}  {activity['type']:18} {activity.get('actor') or '':24} {move}")


@app.command("board")
def board(tenant: Tenant = DEMO_TENANT, data: Data = DEFAULT_DATA) -> None:
    """Watch where a tenant's leads are, live, from the events on Kafka, until Ctrl-C."""
    import asyncio

    from rich.console import Console

    from cli.demo.board import watch
    from deploy.local.run import Run

    with refusing():
        bootstrap = Run.load_running(data).kafka.bootstrap
    try:
        asyncio.run(watch(bootstrap, tenant, Console(highlight=False)))
    except KeyboardInterrupt:
        typer.echo("")

"""`leadflow demo ...`: each step of the demo as a command."""

import json
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import Refused, read_text, refusals
from cli.options import DEFAULT_DATA, DEMO_TENANT, Data, Tenant
from cli.wording import counted

app = typer.Typer(help="The steps of the demo, one command each.", no_args_is_help=True)

LeadId = Annotated[
    str, typer.Argument(metavar="LEAD", help="A lead's id, or `top`: the best new lead with an e-mail address.")
]


@app.command("queue")
def queue(
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 15,
    tenant: Tenant = DEMO_TENANT,
    data: Data = DEFAULT_DATA,
) -> None:
    """Print the top of the lead queue."""
    from cli.demo import steps

    with refusals():
        for item in islice(steps.queue(data, tenant, limit=limit), limit):
            contact = steps.contact(data, tenant, item["lead_id"])
            typer.echo(
                f"{item['score_total']:>4}  {item.get('band') or '-'}  {item['stage']:18} {item['lead_id']}  "
                f"{steps.display_name(contact)}, {contact.get('company') or '-'}"
            )


@app.command("publish")
def publish(
    file: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="A JSON list of leads.")] = None,
    tenant: Tenant = DEMO_TENANT,
    data: Data = DEFAULT_DATA,
) -> None:
    """Publish leads on Kafka as another system does (`lead.submitted`). One of the demo's leads is invalid."""
    from cli.demo import steps
    from deploy.local.run_record import RunRecord

    file = file or steps.FILES / "website.json"
    with refusals():
        bootstrap = RunRecord.load_running(data).kafka.bootstrap
        try:
            submissions = json.loads(read_text(file))
        except (ValueError, RecursionError) as error:
            raise Refused(f"{file} is not JSON: {error}") from None
        if not isinstance(submissions, list):
            raise Refused(f"{file} does not contain a JSON list of leads")
        count = steps.publish(bootstrap, tenant, submissions)
    typer.echo(f"Published {counted(count, 'lead')} on lead.submitted.")


@app.command("draft")
def draft(
    lead: LeadId,
    kind: Annotated[str, typer.Option("--kind", help="first, follow_up, answer or nurture.")] = "first",
    tenant: Tenant = DEMO_TENANT,
    data: Data = DEFAULT_DATA,
) -> None:
    """Ask the agent to draft a message to a lead. A person must approve it before it is sent."""
    from cli.demo import steps

    with refusals():
        lead_id = steps.find_lead(data, tenant, lead)
        steps.request_draft(data, tenant, lead_id, kind)
    typer.echo(
        f"The agent now drafts a {kind} message to {lead_id}. `leadflow demo approve {lead_id}` shows and approves it."
    )


@app.command("drafts")
def drafts(tenant: Tenant = DEMO_TENANT, data: Data = DEFAULT_DATA) -> None:
    """List the drafts that wait for approval."""
    from cli.demo import steps

    with refusals():
        pending = steps.pending_drafts(data, tenant)
    for item in pending:
        text = f"{item['score']:3}  {item['kind']:10} to {item['to']}: {item.get('subject') or ''}"
        typer.echo(f"{item['draft_id']}  {text}")
    if not pending:
        typer.echo("No draft waits for approval.")


@app.command("approve")
def approve(
    draft: Annotated[str, typer.Argument(metavar="DRAFT", help="The id of a draft, or of the lead it is for.")],
    acknowledge_unsupported: Annotated[
        bool, typer.Option(help="Approve although nothing known supports some of its sentences.")
    ] = False,
    tenant: Tenant = DEMO_TENANT,
    data: Data = DEFAULT_DATA,
) -> None:
    """Show a draft and approve exactly this message: the approval names its hash."""
    from cli.demo import steps

    with refusals():
        shown = steps.find_draft(data, tenant, draft)
        typer.echo(f"To: {shown['to']}\nSubject: {shown.get('subject') or ''}\n")
        typer.echo("\n".join(f"    {line}" for line in str(shown["body"]).splitlines()))
        warnings = steps.approve(data, tenant, shown, acknowledge=acknowledge_unsupported)
    typer.echo(f"\nYou approved the draft {shown['draft_id']} with the hash {shown['sha256'][:12]}...")
    for warning in warnings:
        typer.echo(f"Note: {warning}.")


@app.command("qualify")
def qualify(lead: LeadId, tenant: Tenant = DEMO_TENANT, data: Data = DEFAULT_DATA) -> None:
    """Tick the qualification checklist of a lead, as a salesperson would after a call."""
    from cli.demo import steps

    with refusals():
        lead_id = steps.find_lead(data, tenant, lead)
        ticked = steps.qualify(data, tenant, lead_id)
        stage = steps.lead(data, tenant, lead_id)["stage"]
    typer.echo(f"You ticked {', '.join(ticked)}. The lead {lead_id} is now in stage {stage}.")


@app.command("sequence")
def start_sequence(lead: LeadId, tenant: Tenant = DEMO_TENANT, data: Data = DEFAULT_DATA) -> None:
    """Enrol a lead in a sequence whose delays are seconds. A person approves its templates in advance."""
    from cli.demo import sequence, steps

    with refusals():
        lead_id = steps.find_lead(data, tenant, lead)
        enrolment = sequence.start(data, tenant, lead_id)
    typer.echo(
        f"You approved the templates and enrolled the lead {lead_id}. "
        f"`leadflow demo enrolment {lead_id}` shows what happens ({enrolment['state']})."
    )


@app.command("enrolment")
def enrolment(lead: LeadId, tenant: Tenant = DEMO_TENANT, data: Data = DEFAULT_DATA) -> None:
    """Show a lead's newest enrolment: its steps, and what happened to it."""
    from cli.demo import sequence, steps

    with refusals():
        lines = sequence.described(sequence.newest(data, tenant, steps.find_lead(data, tenant, lead)))
    typer.echo("\n".join(lines))


@app.command("resume")
def resume(lead: LeadId, tenant: Tenant = DEMO_TENANT, data: Data = DEFAULT_DATA) -> None:
    """Go on with a lead's paused enrolment, as if the lead were back."""
    from cli.demo import sequence, steps

    with refusals():
        state = sequence.resume(data, tenant, steps.find_lead(data, tenant, lead))["state"]
    typer.echo(f"The enrolment is {state}.")


@app.command("goal")
def goal(tenant: Tenant = DEMO_TENANT, data: Data = DEFAULT_DATA) -> None:
    """Show the demo's goal; the first call creates it."""
    from cli.demo import steps

    with refusals():
        progress = steps.goal(data, tenant)
    typer.echo(f"{progress['name']}: {progress['current_value']} of {progress['target']}")


@app.command("timeline")
def timeline(lead: LeadId, tenant: Tenant = DEMO_TENANT, data: Data = DEFAULT_DATA) -> None:
    """Print a lead's timeline, the newest activity first."""
    from cli.demo import steps

    with refusals():
        activities = steps.timeline(data, tenant, steps.find_lead(data, tenant, lead))
    for activity in activities:
        fields = activity.get("data") or {}
        if fields.get("from"):
            detail = f"{fields['from']} -> {fields['to']} ({fields.get('rule')})"
        else:
            detail = fields.get("reason") or ""
        typer.echo(f"{activity['occurred_at'][:19]}  {activity['type']:18} {activity.get('actor') or '':24} {detail}")


@app.command("board")
def board(tenant: Tenant = DEMO_TENANT, data: Data = DEFAULT_DATA) -> None:
    """Show a tenant's leads by stage, live from the events on Kafka, until Ctrl-C."""
    import asyncio

    from rich.console import Console

    from cli.demo.board import watch
    from deploy.local.run_record import RunRecord

    with refusals():
        bootstrap = RunRecord.load_running(data).kafka.bootstrap
        try:
            asyncio.run(watch(bootstrap, tenant, Console(highlight=False)))
        except KeyboardInterrupt:
            typer.echo("")

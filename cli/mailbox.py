"""`leadflow mailbox`: what was sent to the local mailbox, and answers as the lead would give them."""

import json
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DEFAULT_DATA, DEMO_TENANT, AsJson, Data, Refused, client, refusing

if TYPE_CHECKING:
    from deploy.local.mailbox import Mail

app = typer.Typer(
    help="Read what was sent to the local mailbox, and answer it as the lead would.", no_args_is_help=True
)

Which = Annotated[str, typer.Argument(metavar="MESSAGE", help="Its number in the list, its Message-ID, or `last`.")]


@app.command("list")
def list_mails(as_json: AsJson = False, data: Data = DEFAULT_DATA) -> None:
    """List the messages in the order of arrival."""
    mails = _mails(data)
    if as_json:
        for mail in mails:
            fields = {"number": mail.number, "message_id": mail.message_id.strip("<>"), "from": mail.sender}
            fields |= {"to": mail.recipient, "subject": mail.subject, "at": mail.arrived_at.isoformat()}
            typer.echo(json.dumps(fields, ensure_ascii=False))
        return
    if not mails:
        typer.echo("the mailbox is empty")
    for mail in mails:
        typer.echo(f"{mail.number:4}  {mail.arrived_at:%Y-%m-%d %H:%M:%S}  {mail.recipient:40}  {mail.subject}")


@app.command("show")
def show(
    message: Which, raw: Annotated[bool, typer.Option("--raw", help="All headers.")] = False, data: Data = DEFAULT_DATA
) -> None:
    """Print a message."""
    mail = _find(_mails(data), message)
    if raw:
        typer.echo(mail.message.as_string())
        return
    for name in ("From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "List-Unsubscribe"):
        if mail.message[name]:
            typer.echo(f"{name}: {mail.message[name]}")
    typer.echo(f"\n{mail.text}")


@app.command("answer")
def answer(
    message: Which,
    text: Annotated[str | None, typer.Argument(help="What the lead writes.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help="Take the text from it.")
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Another subject than Re: ...")] = None,
    automatic: Annotated[bool, typer.Option("--auto", help="As an out-of-office answer (Auto-Submitted).")] = False,
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="The tenant that sent it; without, its address tells.")
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Answer a message as the lead would: a reply mail, handed to outreach as a mail gateway does."""
    from deploy.local.mailbox import answer_to

    if (text is None) == (file is None):
        raise Refused(
            'what does the lead write? For example: leadflow mailbox answer last "Sounds good, call me on Monday."'
        )
    body = file.read_text() if file else text or ""
    mail = _find(_mails(data), message)
    reply = answer_to(mail, body, subject=subject, automatic=automatic)
    with refusing(), client(data, "outreach", tenant or _tenant_of(mail, data), "service") as http:
        response = http.post("/v1/replies", content=reply.as_bytes(), headers={"Content-Type": "message/rfc822"})
        response.raise_for_status()
        outcome = response.json()
    typer.echo(f"{reply['From']} answered: {outcome['outcome']}, reply {outcome.get('reply_id') or '-'}")


def _mails(data: Path) -> "list[Mail]":
    from deploy.local.mailbox import read_mailbox
    from deploy.local.run import Run

    with refusing():
        return read_mailbox(Run.load(data).smtp.maildir)


def _tenant_of(mail: "Mail", data: Path) -> str:
    """A tenant without mailboxes of its own sends from <tenant>.<mail domain>; of others the mail does not tell."""
    from deploy.local.run import Run

    settings = Run.load(data).services["outreach"].environment
    domain = parseaddr(mail.sender)[1].rpartition("@")[2]
    tenant = domain.removesuffix("." + settings.get("LEADFLOW_OUTREACH_MAIL_DOMAIN", "leadflow.example"))
    return tenant if tenant != domain and "." not in tenant else DEMO_TENANT


def _find(mails: "list[Mail]", which: str) -> "Mail":
    if which == "last" and mails:
        return mails[-1]
    for mail in mails:
        if which.strip("<>") in (str(mail.number), mail.message_id.strip("<>")):
            return mail
    raise Refused(f"there is no message {which!r}: `leadflow mailbox list` shows {len(mails)}")

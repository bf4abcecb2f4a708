"""`leadflow mailbox`: the messages in the local mailbox, and replies to them as the lead would write them."""

import json
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.client import http_client
from cli.environment import mail_domain
from cli.errors import Refused, read_text, refusals
from cli.options import DEFAULT_DATA, DEMO_TENANT, AsJson, Data

if TYPE_CHECKING:
    from deploy.local.mailbox import Mail

app = typer.Typer(
    help="Read the messages in the local mailbox, and answer them as the lead would.", no_args_is_help=True
)

MessageName = Annotated[
    str, typer.Argument(metavar="MESSAGE", help="Its number in the list, its Message-ID, or `last`.")
]


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
        typer.echo("The mailbox is empty.")
    for mail in mails:
        typer.echo(f"{mail.number:4}  {mail.arrived_at:%Y-%m-%d %H:%M:%S}  {mail.recipient:40}  {mail.subject}")


@app.command("show")
def show(
    message: MessageName,
    raw: Annotated[bool, typer.Option("--raw", help="Print the whole message with all headers.")] = False,
    data: Data = DEFAULT_DATA,
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
    message: MessageName,
    text: Annotated[str | None, typer.Argument(help="The text that the lead writes.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help="Read the text from this file.")
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="The subject, if it is not Re: ...")] = None,
    automatic: Annotated[
        bool, typer.Option("--auto", help="Send it as an out-of-office reply (Auto-Submitted).")
    ] = False,
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="The tenant that sent the message; by default, see its address.")
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Answer a message as the lead would: hand a reply to outreach, as a mail gateway does."""
    from deploy.local.mailbox import reply_to

    if (text is None) == (file is None):
        raise Refused(
            "give the text of the reply, either as an argument or with --file; "
            'for example: leadflow mailbox answer last "Sounds good, call me on Monday."'
        )
    body = read_text(file) if file else text or ""
    mail = _find(_mails(data), message)
    try:
        reply = reply_to(mail, body, subject=subject, automatic=automatic).as_bytes()
    except ValueError as error:  # also UnicodeEncodeError: the shell hands over bytes that are no text
        raise Refused(f"this cannot be written as a mail: {error}") from None
    with refusals(), http_client(data, "outreach", tenant or _tenant_of(mail, data), "service") as http:
        response = http.post("/v1/replies", content=reply, headers={"Content-Type": "message/rfc822"})
        response.raise_for_status()
        result = response.json()
    reply_id = f" The reply's id is {result['reply_id']}." if result.get("reply_id") else ""
    unmatched = tenant is None and result["outcome"] == "unmatched"
    hint = " If another tenant than the demo's sent the message, name it with --tenant." if unmatched else ""
    typer.echo(f"Outreach received the reply from {mail.recipient} (outcome: {result['outcome']}).{reply_id}{hint}")


def _mails(data: Path) -> "list[Mail]":
    from deploy.local.mailbox import read_mailbox
    from deploy.local.run_record import RunRecord

    with refusals():
        return read_mailbox(RunRecord.load(data).smtp.maildir)


def _tenant_of(mail: "Mail", data: Path) -> str:
    """The tenant that sent a message, from its sender `...@<tenant>.<mail domain>`; else the demo's.

    A tenant with configured mailboxes sends from other domains: then the address does not show the tenant.
    """
    from deploy.local.run_record import RunRecord

    environment = RunRecord.load(data).services["outreach"].environment
    domain = parseaddr(mail.sender)[1].rpartition("@")[2]
    tenant = domain.removesuffix(f".{mail_domain(environment)}")
    return tenant if tenant != domain and "." not in tenant else DEMO_TENANT


def _find(mails: "list[Mail]", name: str) -> "Mail":
    if name == "last" and mails:
        return mails[-1]
    for mail in mails:
        if name.strip("<>") in (str(mail.number), mail.message_id.strip("<>")):
            return mail
    raise Refused(f"there is no message {name!r}; `leadflow mailbox list` shows the {len(mails)} that there are")

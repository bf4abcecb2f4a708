"""The `leadflow` command. Commands import what they need when they run, so that `leadflow --help` is fast."""

import logging
import sys

import typer

from cli import (
    check,
    dead_letters,
    demo,
    imports,
    mailbox,
    migrate,
    recovery,
    replies,
    services,
    status,
    tenants,
    tokens,
    up,
)
from cli.errors import Refused, refusals

app = typer.Typer(
    name="leadflow",
    help="A message-driven lead pipeline: capture, enrich, score, stage, reach out, count.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("status")(status.status)
app.command("check")(check.check)
app.command("token")(tokens.token)
app.add_typer(mailbox.app, name="mailbox")
app.command("import")(imports.import_file)
app.add_typer(dead_letters.app, name="dead-letters")
app.command("migrate")(migrate.migrate)
app.add_typer(services.app, name="services")
app.command("republish")(recovery.republish)
app.command("raise-revisions")(recovery.raise_revisions)
app.command("rewind")(recovery.rewind)
app.command("read-back")(recovery.read_back)
app.add_typer(tenants.app, name="tenants")
app.add_typer(replies.app, name="replies")
app.add_typer(demo.app, name="demo")


def main() -> None:
    """Run the command. A refusal is printed as one line on standard error, with exit code 1."""
    # The commands report an unreachable broker themselves; the client library's own messages would only repeat it.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        with refusals():
            app()
    except Refused as refusal:
        print(f"leadflow: {refusal}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()

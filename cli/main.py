"""The `leadflow` command. Its parts are imported when they are used: `leadflow --help` is quick."""

import logging
import sys

import typer

from cli import dead_letters, demo, imports, mailbox, migrate, recovery, services, status, tokens, up
from cli.options import Refused

app = typer.Typer(
    name="leadflow",
    help="A message-driven lead pipeline: capture, enrich, score, stage, reach out, count.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("status")(status.status)
app.command("token")(tokens.token)
app.add_typer(mailbox.app, name="mailbox")
app.command("import")(imports.import_file)
app.add_typer(dead_letters.app, name="dead-letters")
app.command("migrate")(migrate.migrate)
app.add_typer(services.app, name="services")
app.command("republish")(recovery.republish)
app.command("rewind")(recovery.rewind)
app.add_typer(demo.app, name="demo")


def main() -> None:
    """Run the command; what it refuses is one line on standard error and exit code 1."""
    # What the client library says of a broker that is away, the commands say in their own words.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        app()
    except Refused as refusal:
        print(f"leadflow: {refusal}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()

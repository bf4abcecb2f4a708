"""The options of a local run, and what follows from them: addresses, and the settings of each service."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from deploy import databases
from deploy.local.identity import AUDIENCE, ISSUER, Identity
from deploy.local.ports import Ports
from deploy.local.postgres import Postgres
from deploy.local.run_record import KafkaEntry, PostgresEntry, RunRecord, ServiceEntry, SmtpEntry

GRACE_SECONDS = 15.0
"""How long the supervisor waits for services to stop. They themselves plan with a little less."""


@dataclass(frozen=True)
class Options:
    """The flags of `leadflow up`, and the environment that it was started with."""

    data: Path
    ports: Ports
    kafka: str | None = None
    """Bootstrap address of an outside Kafka. None: start a local one."""
    postgres: str | None = None
    """An outside Postgres, with a user who may create databases and roles. None: start a local one."""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


def identity_of(options: Options) -> Identity:
    """The signer of the tokens. The environment may set issuer and audience."""
    settings = options.environment
    issuer = settings.get("LEADFLOW_OIDC_ISSUER", ISSUER)
    return Identity(options.data, issuer=issuer, audience=settings.get("LEADFLOW_OIDC_AUDIENCE", AUDIENCE))


def new_run_record(options: Options, identity: Identity) -> RunRecord:
    """The record of a run that is about to start, with the settings of every service."""
    ports, data = options.ports, options.data.resolve()
    record = RunRecord(
        pid=os.getpid(),
        started_at=datetime.now(UTC),
        issuer=identity.issuer,
        audience=identity.audience,
        kafka=KafkaEntry(bootstrap=options.kafka or f"127.0.0.1:{ports.kafka}"),
        postgres=PostgresEntry(url=options.postgres or Postgres(data / "postgres", ports.postgres).url()),
        smtp=SmtpEntry(port=ports.smtp, maildir=data / "mailbox"),
        services={name: ServiceEntry(port=port) for name, port in ports.services.items()},
    )
    for name, entry in record.services.items():
        entry.environment = _service_settings(name, entry, record, identity, options)
    return record


def _service_settings(
    name: str, entry: ServiceEntry, record: RunRecord, identity: Identity, options: Options
) -> dict[str, str]:
    prefix, login = f"LEADFLOW_{name.upper()}", databases.database_name(name)
    defaults = {
        "LEADFLOW_OIDC_ISSUER": record.issuer,
        "LEADFLOW_OIDC_JWKS_URL": identity.jwks_url,
        "LEADFLOW_OIDC_AUDIENCE": record.audience,
        f"{prefix}_GRACE_SECONDS": str(GRACE_SECONDS - 3),
        f"{prefix}_DATABASE_URL": databases.address(
            record.postgres.url, login, login, identity.database_password(login)
        ),
    }
    if name == "outreach":
        defaults |= {
            f"{prefix}_SMTP_HOST": record.smtp.host,
            f"{prefix}_SMTP_PORT": str(record.smtp.port),
            f"{prefix}_SMTP_STARTTLS": "false",
            # The mailbox is local and answers at once: an unclear outcome is shown within a minute and a half.
            f"{prefix}_SMTP_ANSWER_TIMEOUT": "15",
            f"{prefix}_SEND_LIMIT": "40",
            f"{prefix}_SMS_PROVIDER": "file",
            f"{prefix}_SMS_FILE": str(record.smtp.maildir.with_name("sms.jsonl")),
            f"{prefix}_PUBLIC_URL": entry.url,
        }
    inherited = {key: value for key, value in options.environment.items() if key.startswith("LEADFLOW_")}
    # The flags win: their defaults have already been read from the environment.
    from_flags = {"LEADFLOW_KAFKA_BOOTSTRAP": record.kafka.bootstrap, f"{prefix}_PORT": str(entry.port)}
    in_files = {key.removesuffix("_FILE") for key in inherited if key.endswith("_FILE")}
    return {key: value for key, value in defaults.items() if key not in in_files} | inherited | from_flags

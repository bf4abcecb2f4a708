"""What a local run is asked to be, and what follows for the settings of each service."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from deploy import databases
from deploy.local.identity import AUDIENCE, ISSUER, Identity
from deploy.local.ports import Ports
from deploy.local.run import KafkaRun, PostgresRun, Run, ServiceRun, SmtpRun

GRACE_SECONDS = 15.0
"""How long the services have to finish what is under way; they themselves reckon with a little less."""


@dataclass(frozen=True)
class Options:
    data: Path
    ports: Ports
    kafka: str | None = None
    """Bootstrap address of an outside Kafka; None: our own."""
    postgres: str | None = None
    """An outside Postgres, as a user who may create databases and roles; None: our own."""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


def identity_of(options: Options) -> Identity:
    """Who signs the tokens; issuer and audience may be set by the environment."""
    settings = options.environment
    issuer = settings.get("LEADFLOW_OIDC_ISSUER", ISSUER)
    return Identity(options.data, issuer=issuer, audience=settings.get("LEADFLOW_OIDC_AUDIENCE", AUDIENCE))


def describe(options: Options, identity: Identity) -> Run:
    """The run as it will be, with every service's settings; nothing runs yet."""
    ports, data = options.ports, options.data.resolve()
    run = Run(
        pid=os.getpid(),
        started_at=datetime.now(UTC),
        issuer=identity.issuer,
        audience=identity.audience,
        kafka=KafkaRun(bootstrap=options.kafka or f"127.0.0.1:{ports.kafka}"),
        postgres=PostgresRun(url=options.postgres or f"postgresql://postgres@127.0.0.1:{ports.postgres}/postgres"),
        smtp=SmtpRun(port=ports.smtp, maildir=data / "mailbox"),
        services={name: ServiceRun(port=port) for name, port in ports.services.items()},
    )
    for name, service in run.services.items():
        service.environment = _settings(name, service, run, identity, options)
    return run


def _settings(name: str, service: ServiceRun, run: Run, identity: Identity, options: Options) -> dict[str, str]:
    own, login = f"LEADFLOW_{name.upper()}", databases.database_name(name)
    made = {
        "LEADFLOW_OIDC_ISSUER": run.issuer,
        "LEADFLOW_OIDC_JWKS_URL": identity.jwks_url,
        "LEADFLOW_OIDC_AUDIENCE": run.audience,
        f"{own}_GRACE_SECONDS": str(GRACE_SECONDS - 3),
        f"{own}_DATABASE_URL": databases.address(run.postgres.url, login, login, identity.database_password(login)),
    }
    if name == "outreach":
        made |= {
            f"{own}_SMTP_HOST": run.smtp.host,
            f"{own}_SMTP_PORT": str(run.smtp.port),
            # The mailbox is on this machine and answers at once: what is unclear is shown within a minute and a half.
            f"{own}_SMTP_ANSWER_TIMEOUT": "15",
            f"{own}_SEND_LIMIT": "40",
            f"{own}_SMS_FILE": str(run.smtp.maildir.with_name("sms.jsonl")),
            f"{own}_PUBLIC_URL": service.url,
        }
    given = {key: value for key, value in options.environment.items() if key.startswith("LEADFLOW_")}
    # What the flags decide is the same for all: the environment has had its say when they were read.
    decided = {"LEADFLOW_KAFKA_BOOTSTRAP": run.kafka.bootstrap, f"{own}_PORT": str(service.port)}
    return made | given | decided

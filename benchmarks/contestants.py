"""The contestants: each the same three processes' worth of work, started for its turn only."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.ground import SERVICES, Ground
from benchmarks.topics import CAPTURED, SCORED, SUBMITTED, Topics
from deploy.local import process
from deploy.local.identity import AUDIENCE, ISSUER, Identity

Command = Callable[[str], list[str]]


@dataclass(frozen=True)
class Contestant:
    """How one way of building the pipeline is started; `databases` names whose databases it works on."""

    name: str
    databases: str
    command: Command
    login: bool = True
    """Whether it connects as the services' login, under row-level security; else as the owner, free of it."""
    extra: Mapping[str, str] = field(default_factory=dict)

    def group(self, service: str) -> str:
        return f"{self.name}-{service}"

    def environment(self, ground: Ground, service: str) -> dict[str, str]:
        """Ours reads LEADFLOW_*; the others read the same variables."""
        url = (ground.url if self.login else ground.owner_url)(self.databases, service)
        prefix = f"LEADFLOW_{service.upper()}"
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("LEADFLOW_")},
            "LEADFLOW_KAFKA_BOOTSTRAP": ground.bootstrap,
            "LEADFLOW_LOG_LEVEL": "WARNING",
            "LEADFLOW_OIDC_ISSUER": ISSUER,
            "LEADFLOW_OIDC_AUDIENCE": AUDIENCE,
            "LEADFLOW_OIDC_JWKS_URL": Identity(ground.folder).jwks_url,
            f"{prefix}_DATABASE_URL": url,
            f"{prefix}_CONSUMER_GROUP": self.group(service),
            **self.extra,
        }


def _ours(service: str) -> list[str]:
    return [sys.executable, "-m", "cli.main", "services", "run", service, "--only", "consumers", "--port", "0"]


def _handwritten(service: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.handwritten", service]


def _docsway(service: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.docsway", service]


OURS = Contestant("ours", "ours", _ours)
HANDWRITTEN = Contestant("handwritten", "handwritten", _handwritten)
DOCS = Contestant("docs", "docs", _docsway, login=False)


@asynccontextmanager
async def turn(contestant: Contestant, ground: Ground, topics: Topics) -> AsyncIterator[Mapping[str, int]]:
    """The contestant's processes, running (process ids by service); nothing of an earlier turn reaches them."""
    groups = [contestant.group(service) for service in SERVICES]
    await topics.skip_to_end(groups, [SUBMITTED, CAPTURED, SCORED])
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for service in SERVICES:
            with (ground.folder / f"{contestant.name}-{service}.log").open("ab") as log:
                children[service] = process.launch(
                    contestant.command(service), log=log, env=contestant.environment(ground, service)
                )
        yield {service: child.pid for service, child in children.items()}
    except TimeoutError as error:
        logs = {service: process.tail(ground.folder / f"{contestant.name}-{service}.log", 30) for service in SERVICES}
        said = "\n".join(f"--- {contestant.name} {service}\n{log}" for service, log in logs.items())
        raise RuntimeError(f"{error}; the last words of {contestant.name}:\n{said}") from error
    finally:
        await asyncio.gather(
            *(asyncio.to_thread(process.stop, child, signal.SIGTERM, 20.0) for child in children.values())
        )

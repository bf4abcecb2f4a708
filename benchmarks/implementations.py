"""The implementations of the pipeline: each has a process for each service, started only while it is measured."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.servers import MEASURED_SERVICES, Servers
from benchmarks.topics import CAPTURED, SCORED, SUBMITTED, Topics
from deploy.local import process
from deploy.local.identity import AUDIENCE, ISSUER, Identity

Command = Callable[[str], list[str]]


@dataclass(frozen=True)
class Implementation:
    """How one implementation is started; `databases` is the prefix of its databases' names."""

    name: str
    databases: str
    command: Command
    login: bool = True
    """Whether it connects as the services' login, under row-level security; else as the owner, without it."""
    extra: Mapping[str, str] = field(default_factory=dict)

    def group(self, service: str) -> str:
        return f"{self.name}-{service}"

    def environment(self, servers: Servers, service: str) -> dict[str, str]:
        """The LEADFLOW_* variables, which every implementation reads, and the rest of our environment."""
        url = (servers.url if self.login else servers.owner_url)(self.databases, service)
        prefix = f"LEADFLOW_{service.upper()}"
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("LEADFLOW_")},
            "LEADFLOW_KAFKA_BOOTSTRAP": servers.bootstrap,
            "LEADFLOW_LOG_LEVEL": "WARNING",
            "LEADFLOW_OIDC_ISSUER": ISSUER,
            "LEADFLOW_OIDC_AUDIENCE": AUDIENCE,
            "LEADFLOW_OIDC_JWKS_URL": Identity(servers.folder).jwks_url,
            f"{prefix}_DATABASE_URL": url,
            f"{prefix}_CONSUMER_GROUP": self.group(service),
            **self.extra,
        }


def _ours(service: str) -> list[str]:
    return [sys.executable, "-m", "cli.main", "services", "run", service, "--only", "consumers", "--port", "0"]


def _handwritten(service: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.handwritten", service]


def _framework_docs(service: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.framework_docs", service]


OURS = Implementation("ours", "ours", _ours)
HANDWRITTEN = Implementation("handwritten", "handwritten", _handwritten)
DOCS = Implementation("docs", "docs", _framework_docs, login=False)


@asynccontextmanager
async def running(implementation: Implementation, servers: Servers, topics: Topics) -> AsyncIterator[None]:
    """Run the processes of an implementation. They do not read records of earlier rounds."""
    groups = [implementation.group(service) for service in MEASURED_SERVICES]
    await topics.skip_to_end(groups, [SUBMITTED, CAPTURED, SCORED])
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for service in MEASURED_SERVICES:
            with (servers.folder / f"{implementation.name}-{service}.log").open("ab") as log:
                children[service] = process.launch(
                    implementation.command(service), log=log, env=implementation.environment(servers, service)
                )
        yield
    except TimeoutError as error:
        logs = {
            service: process.tail(servers.folder / f"{implementation.name}-{service}.log", 30)
            for service in MEASURED_SERVICES
        }
        output = "\n".join(f"--- {implementation.name} {service}\n{log}" for service, log in logs.items())
        raise RuntimeError(f"{error}; the end of the logs of {implementation.name}:\n{output}") from error
    finally:
        await asyncio.gather(
            *(asyncio.to_thread(process.stop, child, signal.SIGTERM, 20.0) for child in children.values())
        )

"""The fixtures of integration tests: a real Kafka and a real Postgres, and services that run on them."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from uuid import uuid4

import hypothesis
import pytest

from deploy.databases import address, create_database, create_login, database_name
from deploy.local.identity import AUDIENCE, ISSUER, Identity
from deploy.migrate import upgrade
from deploy.topics import create_topics
from shared.events.topics import LOCAL_PARTITIONS
from shared.messaging.connection import Kafka
from shared.names import SERVICES
from shared.observability import configure_logging
from shared.testing.bus import Bus
from shared.testing.running import Running, start_service
from tests.sharing import pytest_xdist_auto_num_workers, pytest_xdist_make_scheduler

__all__ = ["pytest_xdist_auto_num_workers", "pytest_xdist_make_scheduler"]

T = TypeVar("T")

# A machine that does other work too is no defect: neither slow examples nor slow inputs fail a property.
hypothesis.settings.register_profile(
    "leadflow",
    parent=hypothesis.settings(),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("leadflow")

# They need a browser, or a Keycloak, which not every machine has or can fetch: `make browser` and `make keycloak` run
# them, and fail where there is none.
collect_ignore = [
    folder for folder in ("browser", "keycloak") if not any(f"tests/{folder}" in argument for argument in sys.argv)
]


@dataclass(frozen=True)
class Backend:
    """The addresses of broker and databases, and the identity that signs tokens."""

    bootstrap: str
    admin_url: str
    identity: Identity
    folder: Path

    def url(self, service: str) -> str:
        """The address that a service uses: a login that owns nothing."""
        login = database_name(service)
        return address(self.admin_url, login, login, self.identity.database_password(login))

    def owner_url(self, service: str) -> str:
        """The administrator's address of a service's database."""
        return address(self.admin_url, database_name(service))

    def settings(self, service: str) -> dict[str, Any]:
        local = {"smtp_starttls": False, "sms_provider": "file"} if service == "outreach" else {}
        return local | {
            "kafka_bootstrap": self.bootstrap,
            "database_url": self.url(service),
            "oidc_issuer": ISSUER,
            "oidc_audience": AUDIENCE,
            "oidc_jwks_url": self.identity.jwks_url,
        }


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[str, str, Path]]:
    """The broker's address, the database's admin address, and a folder for keys (tests/backends.py)."""
    from tests.backends import backend

    # Not pytest's own folder, which nobody else may enter: PostgreSQL runs as a user of its own when we are root.
    with TemporaryDirectory(prefix="leadflow-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with backend(folder) as (bootstrap, admin_url):
            yield bootstrap, admin_url, folder


@pytest.fixture(scope="session")
async def backend(servers: tuple[str, str, Path]) -> AsyncIterator[Backend]:
    """Broker, databases at head, topics."""
    bootstrap, admin_url, folder = servers
    configure_logging("WARNING")
    identity = Identity(folder)
    made = Backend(bootstrap, admin_url, identity, folder)
    for service in SERVICES:
        if not (Path(__file__).parent.parent / "services" / service / "migrations" / "versions").is_dir():
            continue
        await create_database(admin_url, service)
        await upgrade(service, made.owner_url(service))
        await create_login(admin_url, service, identity.database_password(database_name(service)))
    await create_topics(Kafka(bootstrap), LOCAL_PARTITIONS)
    yield made


@pytest.fixture
def tenant() -> str:
    """A tenant that no other test uses."""
    return f"t-{uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def bus(backend: Backend) -> Iterator[Bus]:
    bus = Bus(backend.bootstrap)
    yield bus
    bus.close()


Start = Callable[..., Awaitable[Running]]


class Neighbours:
    """The services that run for the tests of one folder. They are stopped before the tests of another folder begin,
    which must not see what they publish."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.runs: dict[str, Running] = {}

    async def move_to(self, folder: Path) -> None:
        if folder != self.folder:
            await asyncio.gather(*(run.stop() for run in self.runs.values()))
            self.folder, self.runs = folder, {}


@pytest.fixture(scope="session")
async def neighbours(backend: Backend) -> AsyncIterator[Neighbours]:
    """The services that run now; all are stopped at the end."""
    there = Neighbours()
    yield there
    await asyncio.gather(*(run.stop() for run in there.runs.values()))


@pytest.fixture(scope="module")
async def start(request: pytest.FixtureRequest, backend: Backend, neighbours: Neighbours) -> AsyncIterator[Start]:
    """`await start("stages")`: that service, running; the same one for all tests of a folder.

    With settings: another process of it, until the end of the module.
    """
    await neighbours.move_to(request.path.parent)
    own: list[Running] = []

    async def start(name: str, *, only: str | None = None, **settings: Any) -> Running:
        if not settings and only is None:
            if name not in neighbours.runs:
                neighbours.runs[name] = await _start(name)
            return neighbours.runs[name]
        run = await _start(name, only=only, **settings)
        own.append(run)
        return run

    async def _start(name: str, **settings: Any) -> Running:
        return await start_service(name, backend.identity.sign_token, **{**backend.settings(name), **settings})

    yield start
    await asyncio.gather(*(run.stop() for run in own))


Eventually = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """`await eventually(check)`: repeat the check until it is true; fail after `within` seconds."""

    async def eventually(check: Callable[[], Awaitable[T]], within: float = 30) -> T:
        deadline = time.monotonic() + within
        while True:
            try:
                answer = await check()
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
            else:
                if answer or time.monotonic() > deadline:
                    assert answer, f"still not true after {within} s"
                    return answer
            await asyncio.sleep(0.05)

    return eventually

"""`leadflow migrate` with an administrator's address, on a server that knows nothing of Leadflow yet."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.databases import address, create_database, create_login, grant_roles, schema_revision
from deploy.errors import MigrationError, NotMade
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.migrate import Patience, prepare_database, upgrade
from shared.db import DatabaseAddress
from shared.migrations.engine import make_engine
from shared.names import database_roles
from shared.schema_revisions import newest


@pytest.fixture(scope="module")
def admin_url() -> Iterator[str]:
    """The administrator's address of a server without any database of ours."""
    with TemporaryDirectory(prefix="leadflow-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Postgres(folder / "postgres", free_port(), durable=False)
        server.start()
        yield server.url()
        server.stop()


async def test_four_first_migrations_at_once_all_succeed(admin_url: str) -> None:
    await asyncio.gather(*(prepare_database(admin_url, "goals", "a password") for _ in range(4)))
    login = address(admin_url, "leadflow_goals", "leadflow_goals", "a password")
    connection = await asyncpg.connect(login)
    await connection.execute("SET ROLE leadflow_goals_worker")
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == newest("goals")
    await connection.close()


async def test_a_server_that_does_not_let_anybody_in_yet_is_waited_for(admin_url: str) -> None:
    port, server = free_port(), urlsplit(admin_url)
    later = admin_url.replace(f":{server.port}/", f":{port}/")
    with pytest.raises(MigrationError, match="cannot be used"):
        await create_database(later, "enrichment")
    begun = time.monotonic()
    waiting = asyncio.create_task(Patience.of(20).take(partial(create_database, later, "enrichment")))
    await asyncio.sleep(1)
    assert not waiting.done()
    forwarding = await asyncio.create_subprocess_exec(sys.executable, "-c", _FORWARD, str(port), str(server.port))
    try:
        await waiting
        assert time.monotonic() - begun < 15
    finally:
        forwarding.kill()
        await forwarding.wait()


async def test_a_database_and_logins_that_an_operator_is_making_are_waited_for(
    admin_url: str, eventually: Callable[..., Awaitable[bool]]
) -> None:
    owner = DatabaseAddress(address(admin_url, "leadflow_outreach", "leadflow_owner", "a password"))
    steps = (partial(upgrade, "outreach", owner), partial(grant_roles, owner, "outreach", "leadflow_outreach"))

    said: list[str] = []
    patience = Patience.of(60, made_beside=True, say=said.append)

    async def prepare() -> None:
        for step in steps:
            await patience.take(step)

    begun = time.monotonic()
    with pytest.raises(NotMade, match=r"could not be migrated: .*cannot be used: "):
        await Patience.of(60).take(steps[0])
    assert time.monotonic() - begun < 15, "by itself nobody waits for what is wrong, perhaps"
    waiting = asyncio.create_task(prepare())
    admin = await asyncpg.connect(admin_url)
    groups = database_roles("outreach")
    for made in (
        "CREATE ROLE leadflow_owner LOGIN PASSWORD 'another'",
        "ALTER ROLE leadflow_owner PASSWORD 'a password'",
        "; ".join(f"CREATE ROLE {name}" for name in groups),
        "CREATE DATABASE leadflow_outreach OWNER leadflow_owner",
    ):
        await asyncio.sleep(1.2)
        assert not waiting.done()
        await admin.execute(made)

    async def said_of_the_login() -> bool:
        return bool(said) and said[-1].endswith('role "leadflow_outreach" does not exist')

    await eventually(said_of_the_login)  # as long as the migrations take
    assert not waiting.done()
    await admin.execute(f"CREATE ROLE leadflow_outreach LOGIN NOINHERIT PASSWORD 'its own' IN ROLE {', '.join(groups)}")
    await waiting
    await admin.close()
    assert len(said) == len(set(said)) >= 2, "what is waited for is said, and once"
    login = await asyncpg.connect(address(admin_url, "leadflow_outreach", "leadflow_outreach", "its own"))
    await login.execute("SET ROLE leadflow_outreach_worker")
    assert await login.fetchval("SELECT version_num FROM alembic_version") == newest("outreach")
    await login.close()


_FORWARD = """
import socket, sys, threading
def copy(one, other):
    while data := one.recv(65536): other.sendall(data)
    other.shutdown(socket.SHUT_WR)
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    one, _ = listening.accept()
    other = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    for pair in ((one, other), (other, one)): threading.Thread(target=copy, args=pair, daemon=True).start()
"""


async def test_what_the_server_refuses_is_one_line(admin_url: str) -> None:
    admin = await asyncpg.connect(admin_url)
    await admin.execute("CREATE ROLE weak LOGIN PASSWORD 'weak'")
    await admin.execute("CREATE DATABASE leadflow_scoring")
    await admin.execute("CREATE DATABASE readable")
    await admin.close()
    weak = address(admin_url, "postgres", "weak", "weak")
    there = await asyncpg.connect(address(admin_url, "readable"))
    await there.execute("CREATE TABLE alembic_version (version_num text)")
    await there.close()
    for step, said in (
        (create_database(weak, "stages"), "the database leadflow_stages could not be created: permission denied"),
        (create_login(weak, "scoring", "x"), "the login leadflow_scoring could not be created: permission denied"),
        (create_login(weak, "capture", "x"), 'cannot be used: database "leadflow_capture" does not exist'),
        (schema_revision(address(weak, "readable", "weak", "weak")), "could not be read: permission denied"),
    ):
        with pytest.raises(MigrationError) as refused:
            await step
        assert said in str(refused.value)
        assert "\n" not in str(refused.value)


async def test_a_step_may_take_longer_than_a_minute(admin_url: str) -> None:
    """Indexes over millions of rows do. How long anybody waits for a table is the server's own setting."""
    engine = make_engine(admin_url, application="migrations")
    async with engine.connect() as opened:
        driver = (await opened.get_raw_connection()).driver_connection
        assert driver is not None
        assert driver._config.command_timeout is None
    await engine.dispose()


async def test_a_failure_without_words_is_said_by_its_name(admin_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def runs_out_of_time(service: str, url: str) -> None:
        raise TimeoutError

    monkeypatch.setattr("shared.migrations.upgrade", runs_out_of_time)
    with pytest.raises(MigrationError, match=r"^the database of goals could not be migrated: TimeoutError$"):
        await upgrade("goals", address(admin_url, "postgres"))

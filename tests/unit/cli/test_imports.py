import json

import httpx
import pytest

from cli import imports
from cli.errors import Refused, refusals


class Capture:
    """A fake capture that receives an import of two rows, of which the second is invalid."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.uploaded = b""
        self.states = [{"state": "running", "read": 1, "taken": 1, "rejected": 0, "unmapped": []}]
        self.end = {"state": "done", "read": 2, "taken": 1, "rejected": 1, "total": 2, "unmapped": ["Name"]}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(f"{request.method} {request.url.path}")
        match request.method, request.url.path:
            case "POST", "/v1/imports":
                self.uploaded = request.read()
                return httpx.Response(202, json={"import_id": "i-1"})
            case "GET", "/v1/imports/i-1":
                return httpx.Response(200, json=self.states.pop(0) if self.states else self.end)
            case "GET", "/v1/imports/i-1/errors":
                assert request.headers["accept"] == "text/csv"
                return httpx.Response(200, text="line,column,value,reason\n3,email,x,is not an address\n")
            case "POST", "/v1/imports/i-1/resume":
                return httpx.Response(202, json={})
        return httpx.Response(404, json={"title": "Not found", "status": 404})


@pytest.fixture
def capture(monkeypatch):
    fake = Capture()
    monkeypatch.setattr(imports, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr(
        imports, "http_client", lambda *_: httpx.Client(transport=httpx.MockTransport(fake), base_url="http://capture")
    )
    return fake


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "leads.csv"
    path.write_text("Mail,Name\nann@them.example,Ann\nx,Bob\n")
    return path


def run(tmp_path, file, **options):
    steps = []
    form = {"source": "fair", "mapping": json.dumps({"email": "Mail"})} | options
    outcome = imports.run_import(tmp_path, file, form=form, tenant="acme", progress=lambda *step: steps.append(step))
    return outcome, steps


def test_a_file_is_uploaded_and_followed_and_its_errors_are_fetched(tmp_path, file, capture):
    outcome, steps = run(tmp_path, file)
    assert (outcome.read, outcome.taken, outcome.rejected) == (2, 1, 1)
    assert (tmp_path / "leads.csv.errors.csv").read_text().endswith("3,email,x,is not an address\n")
    assert "leads.csv.errors.csv" in str(outcome)
    assert b"ann@them.example" in capture.uploaded
    assert json.dumps({"email": "Mail"}).encode() in capture.uploaded
    assert ("importing", 2, 2) in steps
    assert any(task == "uploading" for task, _, _ in steps)


def test_an_interrupted_import_continues_without_another_upload(tmp_path, file, capture, monkeypatch):
    monkeypatch.setattr(imports, "_follow", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, file)
    monkeypatch.undo()
    monkeypatch.setattr(
        imports,
        "http_client",
        lambda *_: httpx.Client(transport=httpx.MockTransport(capture), base_url="http://capture"),
    )
    outcome, _ = run(tmp_path, file)
    assert outcome.state == "done"
    assert capture.requests.count("POST /v1/imports") == 1


def test_a_failed_import_is_resumed_by_the_same_command(tmp_path, file, capture):
    capture.states = []
    capture.end = capture.end | {"state": "failed", "rejected": 0}
    assert run(tmp_path, file)[0].state == "failed"
    capture.states = [capture.end]
    capture.end = capture.end | {"state": "done"}
    assert run(tmp_path, file)[0].state == "done"
    assert "POST /v1/imports/i-1/resume" in capture.requests
    assert capture.requests.count("POST /v1/imports") == 1


def test_a_finished_import_may_be_repeated(tmp_path, file, capture):
    run(tmp_path, file)
    run(tmp_path, file)
    assert capture.requests.count("POST /v1/imports") == 2


def test_the_command_waits_for_a_service_that_is_unreachable_for_a_moment(tmp_path, file, capture):
    respond = capture.__call__
    failures = [httpx.ConnectError("refused"), httpx.ReadError("reset")]

    def flaky(request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and failures and request.url.path.endswith("i-1"):
            raise failures.pop()
        return respond(request)

    http = httpx.Client(transport=httpx.MockTransport(flaky), base_url="http://capture")
    assert imports._follow(http, "i-1", lambda *_: None)["state"] == "done"


def test_the_command_says_which_columns_no_field_took(tmp_path, file, capture, capsys):
    imports.import_file(file, map=["email=Mail"], data=tmp_path)
    assert "No field takes these columns: Name." in capsys.readouterr().out


def test_a_file_of_which_no_row_was_taken_ends_the_command_with_an_error(tmp_path, file, capture):
    capture.end = capture.end | {"taken": 0, "rejected": 2}
    with pytest.raises(Refused, match="no row of the file could be taken"):
        imports.import_file(file, data=tmp_path)


def test_a_mapping_without_a_column_is_refused(file, tmp_path):
    with pytest.raises(Refused, match="FIELD=COLUMN"):
        imports.import_file(file, map=["email"], data=tmp_path)


def test_the_command_gives_up_on_a_service_that_stays_unready_and_says_why(capture, monkeypatch):
    clock = iter(range(0, 1_000, 10))
    monkeypatch.setattr(imports.time, "monotonic", lambda: next(clock))
    unready = httpx.Response(503, json={"detail": "the database is away"})
    http = httpx.Client(transport=httpx.MockTransport(lambda _: unready), base_url="http://capture")
    with pytest.raises(Refused, match="503: the database is away"), refusals():
        imports._follow(http, "i-1", lambda *_: None)
    assert next(clock) < 100


def test_an_error_file_that_cannot_be_written_is_named_and_written_by_the_next_run(tmp_path, file, capture):
    errors = tmp_path / "leads.csv.errors.csv"
    errors.mkdir()
    with pytest.raises(Refused, match=r"leads.csv.errors.csv cannot be written: Is a directory; the same command"):
        run(tmp_path, file)
    errors.rmdir()
    assert run(tmp_path, file)[0].error_file == errors
    assert capture.requests.count("POST /v1/imports") == 1


def test_an_import_without_rejected_rows_leaves_no_error_file_of_an_earlier_one(tmp_path, file, capture):
    outcome, _ = run(tmp_path, file)
    assert outcome.error_file.exists()
    capture.end = capture.end | {"taken": 2, "rejected": 0}
    assert run(tmp_path, file)[0].error_file is None
    assert not outcome.error_file.exists()

import json
import subprocess
import sys

import jwt
import pytest
from typer.testing import CliRunner

from cli.environment import service_environment
from cli.errors import Refused
from cli.main import app
from cli.status import parse_metrics
from deploy.local.run_record import without_password
from tests.unit.local.test_run_record import a_record

runner = CliRunner()


def test_a_token_can_be_created_before_the_first_start(tmp_path):
    done = runner.invoke(
        app, ["token", "--tenant", "acme", "--role", "viewer", "--role", "admin", "--data", str(tmp_path)]
    )
    claims = jwt.decode(done.output.strip(), options={"verify_signature": False})
    assert (claims["tenant"], claims["roles"], claims["sub"]) == ("acme", ["viewer", "admin"], "local")


HEAVY = {"asyncio", "pydantic", "httpx", "aiokafka", "asyncpg", "rich", "fastapi", "sqlalchemy"}


@pytest.mark.parametrize("words", [["token", "--tenant", "acme", "--role", "viewer"], ["status", "--json"]])
def test_a_quick_command_imports_no_heavy_library(tmp_path, words):
    """Most of such a command's time is imports."""
    a_record(tmp_path).save(tmp_path)
    program = (
        "import sys\nfrom cli.main import main\nimport atexit\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\nmain()"
    )
    command = [sys.executable, "-c", program, *words, "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stderr.split()) == set()


def test_an_unknown_role_is_refused(tmp_path):
    done = runner.invoke(app, ["token", "--tenant", "acme", "--role", "boss", "--data", str(tmp_path)])
    assert isinstance(done.exception, Refused)
    assert "boss" in str(done.exception)


def test_every_command_has_the_data_option():
    import typer.main

    def leaves(command, path):
        if hasattr(command, "commands"):
            for name, child in command.commands.items():
                yield from leaves(child, f"{path} {name}")
        else:
            yield path, command

    without = [
        path
        for path, command in leaves(typer.main.get_command(app), "leadflow")
        if not any("--data" in option.opts for option in command.params)
    ]
    assert without == []


def test_a_refusal_is_one_line_without_a_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "status", "--data", str(tmp_path / "nothing")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("leadflow: nothing was started in ")
    assert done.stderr.count("\n") == 1


def test_status_reports_that_a_run_is_stopped(tmp_path):
    a_record(tmp_path).save(tmp_path)
    done = runner.invoke(app, ["status", "--json", "--data", str(tmp_path)])
    report = json.loads(done.output)
    assert report["running"] is False
    assert report["services"][0] == {
        "name": "stages",
        "pid": None,
        "port": 8104,
        "url": "http://127.0.0.1:8104",
        "state": "stopped",
        "restarts": 0,
        "lag": None,
        "outbox": None,
        "dead_letters": None,
        "checks": None,
    }


def test_status_reads_its_numbers_from_the_metrics():
    page = (
        "# TYPE leadflow_consumer_lag gauge\n"
        'leadflow_consumer_lag{service="stages"} 7.0\n'
        "# TYPE leadflow_outbox_depth gauge\n"
        'leadflow_outbox_depth{service="stages"} 0.0\n'
    )
    assert parse_metrics(page) == {"lag": 7, "outbox": 0, "dead_letters": None}


def test_passwords_are_not_shown():
    assert without_password("postgresql://root:secret@db:5432/postgres") == "postgresql://root@db:5432/postgres"


def test_a_service_uses_the_settings_of_the_local_run(tmp_path, monkeypatch):
    a_record(tmp_path).save(tmp_path)
    monkeypatch.delenv("LEADFLOW_KAFKA_BOOTSTRAP", raising=False)
    assert service_environment(tmp_path, "stages")["LEADFLOW_KAFKA_BOOTSTRAP"] == "127.0.0.1:9092"
    monkeypatch.setenv("LEADFLOW_KAFKA_BOOTSTRAP", "elsewhere:9092")
    assert service_environment(tmp_path, "stages")["LEADFLOW_KAFKA_BOOTSTRAP"] == "elsewhere:9092"


def test_an_unknown_service_is_refused_with_the_names_of_the_services(tmp_path):
    with pytest.raises(Refused, match="capture, enrichment"):
        service_environment(tmp_path, "billing")


@pytest.mark.parametrize("tenant", ["Not A Tenant!", "", "Acme", "-a", "x" * 64])
def test_a_token_for_what_is_no_tenant_is_refused(tmp_path, tenant):
    done = runner.invoke(app, ["token", "--tenant", tenant, "--role", "viewer", "--data", str(tmp_path)])
    assert isinstance(done.exception, Refused)
    assert "a tenant is of the form" in str(done.exception)

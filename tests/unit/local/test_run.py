import os
import stat
from datetime import UTC, datetime

import pytest

from deploy.local.run import KafkaRun, NoRun, PostgresRun, Run, ServiceRun, SmtpRun


def a_run(tmp_path, pid=None) -> Run:
    return Run(
        pid=pid,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        issuer="urn:test",
        audience="leadflow",
        kafka=KafkaRun(bootstrap="127.0.0.1:9092"),
        postgres=PostgresRun(url="postgresql://postgres@127.0.0.1:5433/postgres"),
        smtp=SmtpRun(port=8125, maildir=tmp_path / "mailbox"),
        services={"stages": ServiceRun(port=8104, environment={"LEADFLOW_KAFKA_BOOTSTRAP": "127.0.0.1:9092"})},
    )


def test_other_commands_find_what_was_saved(tmp_path):
    a_run(tmp_path, os.getpid()).save(tmp_path)
    found = Run.load_running(tmp_path)
    assert found.services["stages"].url == "http://127.0.0.1:8104"
    assert found.kafka.bootstrap == "127.0.0.1:9092"


def test_it_holds_passwords_and_is_for_the_owner_only(tmp_path):
    a_run(tmp_path).save(tmp_path)
    assert stat.S_IMODE((tmp_path / "run.json").stat().st_mode) == 0o600


def test_a_folder_where_nothing_was_started_says_what_to_do(tmp_path):
    with pytest.raises(NoRun, match="leadflow up"):
        Run.load(tmp_path)


def test_a_stopped_run_is_known_but_does_not_run(tmp_path):
    a_run(tmp_path).save(tmp_path)
    assert not Run.load(tmp_path).is_alive
    with pytest.raises(NoRun, match="does not run"):
        Run.load_running(tmp_path)

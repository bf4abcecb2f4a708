import os
import stat
from datetime import UTC, datetime

import pytest

from deploy.local.data_folder import lock_data_folder
from deploy.local.run_record import KafkaEntry, NotRunning, PostgresEntry, RunRecord, ServiceEntry, SmtpEntry


def a_record(tmp_path, pid=None) -> RunRecord:
    return RunRecord(
        pid=pid,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        issuer="urn:test",
        audience="leadflow",
        kafka=KafkaEntry(bootstrap="127.0.0.1:9092"),
        postgres=PostgresEntry(url="postgresql://postgres:pa55word@127.0.0.1:5433/postgres"),
        smtp=SmtpEntry(port=8125, maildir=tmp_path / "mailbox"),
        services={
            "stages": ServiceEntry(
                port=8104,
                environment={
                    "LEADFLOW_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
                    "LEADFLOW_STAGES_DATABASE_URL": "postgresql://leadflow_stages:pa55word@127.0.0.1:5433/leadflow_stages",
                    "LEADFLOW_OUTREACH_LLM_API_KEY": "pa55word",
                    "LEADFLOW_OUTREACH_SMTP_PASSWORD": "pa55word",
                },
            )
        },
    )


def test_other_commands_load_the_saved_record(tmp_path):
    a_record(tmp_path, os.getpid()).save(tmp_path)
    with lock_data_folder(tmp_path):
        record = RunRecord.load_running(tmp_path)
    assert record.services["stages"].url == "http://127.0.0.1:8104"
    assert record.kafka.bootstrap == "127.0.0.1:9092"


def test_only_the_owner_may_read_the_record(tmp_path):
    a_record(tmp_path).save(tmp_path)
    for name in ("run.json", "identity/run.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "identity").stat().st_mode) == 0o700


def test_the_record_that_is_shown_has_no_password(tmp_path):
    a_record(tmp_path).save(tmp_path)
    shown = (tmp_path / "run.json").read_text()
    assert "pa55word" not in shown
    assert "postgresql://leadflow_stages@127.0.0.1:5433/leadflow_stages" in shown
    assert RunRecord.load(tmp_path).postgres.url == "postgresql://postgres:pa55word@127.0.0.1:5433/postgres"


def test_the_error_for_an_unused_folder_names_the_command_that_starts(tmp_path):
    with pytest.raises(NotRunning, match="leadflow up"):
        RunRecord.load(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pid": 1, "another": 2}', "\udcff"])
def test_a_damaged_record_is_said_to_be_one(tmp_path, content):
    a_record(tmp_path).save(tmp_path)
    (tmp_path / "identity" / "run.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(NotRunning, match="is damaged"):
        RunRecord.load(tmp_path)


def test_a_saved_record_is_read_as_it_was(tmp_path):
    saved = a_record(tmp_path, os.getpid())
    saved.save(tmp_path)
    with lock_data_folder(tmp_path):
        assert RunRecord.load(tmp_path) == saved


def test_a_stopped_run_can_be_loaded_but_not_as_running(tmp_path):
    a_record(tmp_path).save(tmp_path)
    assert not RunRecord.load(tmp_path).is_running
    with pytest.raises(NotRunning, match="does not run"):
        RunRecord.load_running(tmp_path)


def test_a_killed_run_does_not_run_even_if_another_process_has_its_id_by_now(tmp_path):
    with lock_data_folder(tmp_path):
        a_record(tmp_path, os.getpid()).save(tmp_path)
    assert not RunRecord.load(tmp_path).is_running
    with pytest.raises(NotRunning, match="does not run"):
        RunRecord.load_running(tmp_path)

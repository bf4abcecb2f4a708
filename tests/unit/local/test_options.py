from deploy.local.options import Options, identity_of, new_run_record
from deploy.local.ports import Ports


def settings_of(tmp_path, service, **environment):
    options = Options(data=tmp_path, ports=Ports.of(9100, environment), environment=environment)
    return new_run_record(options, identity_of(options)).services[service].environment


def test_a_service_uses_its_own_login_not_the_administrator(tmp_path):
    assert settings_of(tmp_path, "goals")["LEADFLOW_GOALS_DATABASE_URL"].startswith("postgresql://leadflow_goals:")


def test_outreach_sends_to_the_local_mailbox(tmp_path):
    settings = settings_of(tmp_path, "outreach")
    assert (settings["LEADFLOW_OUTREACH_SMTP_HOST"], settings["LEADFLOW_OUTREACH_SMTP_PORT"]) == ("127.0.0.1", "9125")
    assert settings["LEADFLOW_OUTREACH_SMTP_STARTTLS"] == "false", "the mailbox has no certificate"
    assert settings["LEADFLOW_OUTREACH_SMS_PROVIDER"] == "file"
    assert settings["LEADFLOW_OUTREACH_SMS_FILE"] == str(tmp_path / "sms.jsonl")
    assert settings["LEADFLOW_OUTREACH_PUBLIC_URL"] == "http://127.0.0.1:9105"


def test_leadflow_variables_are_passed_on_but_flags_win(tmp_path):
    settings = settings_of(
        tmp_path, "capture", LEADFLOW_CAPTURE_DEFAULT_REGION="DE", LEADFLOW_KAFKA_BOOTSTRAP="old:1", OTHER="x"
    )
    assert settings["LEADFLOW_CAPTURE_DEFAULT_REGION"] == "DE"
    assert settings["LEADFLOW_KAFKA_BOOTSTRAP"] == "127.0.0.1:9192"
    assert "OTHER" not in settings


def test_what_the_environment_gives_in_a_file_has_no_default_beside_it(tmp_path):
    settings = settings_of(tmp_path, "outreach", LEADFLOW_OUTREACH_SMTP_HOST_FILE="/run/smtp")
    assert settings["LEADFLOW_OUTREACH_SMTP_HOST_FILE"] == "/run/smtp"
    assert "LEADFLOW_OUTREACH_SMTP_HOST" not in settings, "both are refused"
    assert settings["LEADFLOW_OUTREACH_SMS_FILE"].endswith("sms.jsonl"), "this name only ends like it"


def test_the_environment_may_set_the_issuer(tmp_path):
    settings = settings_of(tmp_path, "stages", LEADFLOW_OIDC_ISSUER="https://login.example")
    assert settings["LEADFLOW_OIDC_ISSUER"] == "https://login.example"

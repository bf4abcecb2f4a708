"""IMAP accounts in the settings: complete ones only, and no secret in a message about them."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.outreach.settings import Settings

ACCOUNT = {"name": "sales", "tenant": "acme", "host": "imap.example.org", "user": "ann", "password": "hush-hush"}


def settings(**more: Any) -> Settings:
    return Settings(database_url="postgresql://nobody@127.0.0.1:1/nothing", **more)


def test_accounts_come_from_the_environment_and_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "accounts.json"
    file.write_text(json.dumps([{**ACCOUNT, "name": "support", "security": "starttls", "folder": "Leads"}]))
    monkeypatch.setenv("LEADFLOW_OUTREACH_IMAP_ACCOUNTS", json.dumps([ACCOUNT]))
    monkeypatch.setenv("LEADFLOW_OUTREACH_IMAP_ACCOUNTS_FILE", str(file))
    sales, support = settings().imap_accounts
    assert (sales.address, sales.security, sales.after) == (("imap.example.org", 993), "tls", "keep")
    assert (support.address, support.mailbox) == (("imap.example.org", 143), "ann@imap.example.org/Leads")


@pytest.mark.parametrize(
    "change",
    [
        {"password": ""},
        {"token_file": "token"},
        {"after": "move"},
        {"move_to": "Done"},
        {"after": "move", "move_to": "INBOX"},
        {"after": "delete"},
        {"security": "ssl"},
        {"tenant": "Not A Tenant"},
        {"name": "two words"},
        {"passwort": "hush-hush"},
    ],
)
def test_an_account_that_is_not_complete_is_refused_without_showing_its_password(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refusal:
        settings(imap_accounts=[{**ACCOUNT, **change}])
    assert "hush-hush" not in str(refusal.value)


def test_two_accounts_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="same name"):
        settings(imap_accounts=[ACCOUNT, {**ACCOUNT, "folder": "Leads"}])

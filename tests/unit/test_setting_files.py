"""Every setting can be given as a file, also those that all services share."""

from pathlib import Path

import pytest

from shared.db.address import DatabaseSecurity
from shared.http.token_claims import ClaimSettings
from shared.messaging.connection import Kafka, KafkaSecurity


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def given(variable: str, value: str) -> None:
        file = tmp_path / variable
        file.write_text(value + "\n")
        monkeypatch.setenv(f"{variable}_FILE", str(file))

    return given


def test_the_settings_that_all_services_share_are_read_from_files(given):
    given("LEADFLOW_OIDC_TENANT_MAP", '{"5f1d": "acme"}')
    given("LEADFLOW_OIDC_ROLE_MAP", '{"Sales": "reviewer"}')
    given("LEADFLOW_DATABASE_SSLMODE", "verify-full")
    given("LEADFLOW_KAFKA_SECURITY_PROTOCOL", "SSL")
    given("LEADFLOW_KAFKA_BOOTSTRAP", "kafka.example:9093")
    claims = ClaimSettings()
    assert (claims.tenant_map, claims.role_map) == ({"5f1d": "acme"}, {"Sales": "reviewer"})
    assert DatabaseSecurity().sslmode == "verify-full"
    assert KafkaSecurity().security_protocol == "SSL"
    assert Kafka.from_environment().bootstrap == "kafka.example:9093"

"""What can be said of deploy/compose.yaml without a Docker engine; `make compose` tries the rest in one."""

from pathlib import Path
from typing import Any

import yaml

from deploy.local.options import GRACE_SECONDS
from shared.names import SERVICES
from shared.settings import ServiceSettings

COMPOSED: dict[str, Any] = yaml.safe_load((Path(__file__).resolve().parents[3] / "deploy" / "compose.yaml").read_text())
PARTS: dict[str, dict[str, Any]] = COMPOSED["services"]
SERVERS = ("kafka", "postgres", "mail")


def _seconds(text: str) -> int:
    assert text.endswith("s"), text
    return int(text[:-1])


def test_it_starts_every_service_as_the_image_does() -> None:
    databases = PARTS["migrate"]["environment"]
    for name in SERVICES:
        service = PARTS[name]
        assert service["command"] == ["services", "run", name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        prefix = f"LEADFLOW_{name.upper()}"
        assert {f"{prefix}_DATABASE_URL", f"{prefix}_HOST", f"{prefix}_PORT"} <= service["environment"].keys()
        for user in (databases, PARTS["leadflow"]["environment"]):
            assert user[f"{prefix}_DATABASE_URL"] == service["environment"][f"{prefix}_DATABASE_URL"]
    for service in PARTS.values():
        image = service.get("image", "")
        assert ":" in image and not image.endswith(":latest")


def test_what_the_servers_store_is_in_volumes() -> None:
    kafka, postgres, mail = (PARTS[name] for name in SERVERS)
    assert f"kafka:{kafka['environment']['KAFKA_LOG_DIRS']}" in kafka["volumes"]
    assert "postgres:/var/lib/postgresql" in postgres["volumes"], "as the image says from PostgreSQL 18 on"
    assert f"mail:{Path(mail['environment']['MP_DATABASE']).parent}" in mail["volumes"]
    used = {volume.partition(":")[0] for part in PARTS.values() for volume in part.get("volumes", ())}
    assert used == COMPOSED["volumes"].keys()


def test_kafka_sends_clients_of_this_machine_to_the_port_that_is_published() -> None:
    listeners = dict(part.split("://") for part in PARTS["kafka"]["environment"]["KAFKA_LISTENERS"].split(","))
    advertised = dict(
        part.split("://") for part in PARTS["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    )
    assert PARTS["kafka"]["ports"] == [advertised["OUTSIDE"] + listeners["OUTSIDE"]]


def test_everything_that_runs_comes_back_after_a_restart_of_the_machine() -> None:
    for name in (*SERVERS, *SERVICES):
        assert PARTS[name]["restart"] == "unless-stopped", name


def test_everything_has_the_time_that_it_needs_to_stop() -> None:
    for name in SERVICES:
        assert _seconds(PARTS[name]["stop_grace_period"]) > GRACE_SECONDS
        assert f"LEADFLOW_{name.upper()}_GRACE_SECONDS" not in PARTS[name]["environment"]
    for name in ("kafka", "postgres"):
        assert _seconds(PARTS[name]["stop_grace_period"]) >= 30


def test_postgres_lets_every_service_have_its_connections() -> None:
    # Two pools, of the API and of the workers, each of up to twice the pool size.
    needed = len(SERVICES) * 4 * ServiceSettings.model_fields["pool_size"].default
    allowed = int(PARTS["postgres"]["command"][-1].removeprefix("max_connections="))
    assert allowed > needed


def test_postgres_is_asked_where_only_the_server_that_stays_answers() -> None:
    test = PARTS["postgres"]["healthcheck"]["test"]
    assert "127.0.0.1" in test, "while the image fills the folder, a server answers at the socket, which then stops"


def test_the_key_that_signs_tokens_cannot_be_changed_by_a_service_and_no_token_is_printed() -> None:
    for name in SERVICES:
        assert PARTS[name]["volumes"] == ["identity:/data:ro"], name
    started = [part for part in PARTS.values() if "profiles" not in part]
    assert not [part for part in started if "token" in part.get("command", ())], "its output stays in the engine's logs"

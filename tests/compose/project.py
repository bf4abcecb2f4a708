"""The compose file as a project of an engine, and its APIs as people on this machine reach them."""

import json
import subprocess
from functools import cached_property
from typing import Any

import httpx

from tests.chart.helm import ROOT
from tests.kube.cluster import Failed, until

NAME = "leadflow-try"
FILE = ROOT / "deploy" / "compose.yaml"
TENANT = "demo"


class Project:
    """Each method raises Failed when Docker, or what runs in it, does something else than it should."""

    def docker(self, *words: str) -> str:
        """The standard output of a docker command."""
        try:
            done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise Failed("there is no `docker` on the PATH") from None
        if done.returncode != 0:
            raise Failed(f"docker {' '.join(words[:6])} ...: {(done.stdout + done.stderr).strip()[-1_500:]}")
        return done.stdout

    def connect(self) -> None:
        """Raises Failed where no engine answers, or Compose is missing."""
        try:
            self.docker("version", "--format", "{{.Server.Version}}")
            self.docker("compose", "version")
        except Failed as failure:
            raise Failed(f"this needs a Docker engine that answers, with Compose: {failure}") from None

    def compose(self, *words: str) -> str:
        return self.docker("compose", "-p", NAME, "-f", str(FILE), *words)

    def container(self, service: str) -> dict[str, Any]:
        """What the engine says of the container of a service."""
        found: list[dict[str, Any]] = json.loads(self.docker("inspect", f"{NAME}-{service}-1"))
        return found[0]

    def services(self) -> list[str]:
        """The services that `up` starts."""
        return self.compose("config", "--services").split()

    @cached_property
    def token(self) -> str:
        """A token of the local identity, as the first lines of the file say how to get it."""
        roles = ("--role", "admin", "--role", "reviewer")
        return self.compose("run", "--rm", "leadflow", "token", "--tenant", TENANT, *roles).strip()

    def ask(self, port: int, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer of an API at its published port."""
        try:
            return httpx.request(
                method,
                f"http://127.0.0.1:{port}{path}",
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=10,
                trust_env=False,
                **more,
            )
        except httpx.TransportError as error:
            raise Failed(f"port {port} does not answer: {error!r}") from None

    def call(self, port: int, method: str, path: str, **more: Any) -> Any:
        """The JSON of an answer that is no refusal."""
        answer = self.ask(port, method, path, **more)
        if answer.is_error:
            raise Failed(f"{method} {path} was answered {answer.status_code}: {answer.text[:500]}")
        return answer.json()

    def stage_of(self, lead: str) -> str | None:
        """The stage of a lead; None while stages does not have it."""
        answer = self.ask(8104, "GET", f"/v1/leads/{lead}")
        return None if answer.status_code == 404 else answer.raise_for_status().json()["stage"]

    def wait_for_stage(self, lead: str, stage: str) -> None:
        until(lambda: self.stage_of(lead) == stage, 60, lambda: f"the lead is {self.stage_of(lead)}, and not {stage}")

    def mails(self, address: str) -> list[dict[str, Any]]:
        """What the mail catcher has for an address."""
        messages: list[dict[str, Any]] = self.call(8025, "GET", f"/api/v1/search?query=to:{address}")["messages"]
        return messages

"""What a running `leadflow up` tells the other commands: <data>/run.json."""

import os
from datetime import datetime
from pathlib import Path
from typing import Literal

import psutil
from pydantic import BaseModel, Field

State = Literal["starting", "ready", "restarting", "paused", "stopped"]


class NoRun(RuntimeError):
    """Nothing was ever started on this data folder, or it does not run now."""


class ServiceRun(BaseModel):
    port: int
    pid: int | None = None
    state: State = "starting"
    restarts: int = 0
    environment: dict[str, str] = Field(default_factory=dict)
    """The LEADFLOW_* settings that the service was started with."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class KafkaRun(BaseModel):
    bootstrap: str
    pid: int | None = None
    """None when it does not run, or is not ours."""


class PostgresRun(BaseModel):
    url: str
    pid: int | None = None


class SmtpRun(BaseModel):
    host: str = "127.0.0.1"
    port: int
    maildir: Path
    pid: int | None = None


class Run(BaseModel):
    """Ports, addresses and process ids of a local run; all of them outlive it, but for the ids."""

    pid: int | None
    started_at: datetime
    issuer: str
    audience: str
    kafka: KafkaRun
    postgres: PostgresRun
    smtp: SmtpRun
    services: dict[str, ServiceRun]

    @classmethod
    def load(cls, data: Path) -> "Run":
        """Raises NoRun when nothing was started on `data` yet."""
        try:
            return cls.model_validate_json((data / "run.json").read_bytes())
        except FileNotFoundError:
            raise NoRun(
                f"nothing was started in {data} yet: `leadflow up` does (or name its folder by --data)"
            ) from None

    @classmethod
    def load_running(cls, data: Path) -> "Run":
        """As `load`; raises NoRun also when it was stopped."""
        run = cls.load(data)
        if not run.is_alive:
            raise NoRun(f"Leadflow does not run in {data} now: start it with `leadflow up`")
        return run

    @property
    def is_alive(self) -> bool:
        return self.pid is not None and psutil.pid_exists(self.pid)

    def save(self, data: Path) -> None:
        """Replace the file at once; readers see the old or the new one. It holds passwords: for the owner only."""
        scratch = data / "run.json.new"
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self.model_dump_json(indent=2))
        scratch.replace(data / "run.json")

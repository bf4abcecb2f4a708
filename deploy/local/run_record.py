"""The record of a local run: `leadflow up` writes it, the other commands read it.

It contains passwords, so the whole of it is beside the keys; <data>/run.json is the part that may be shown.
Plain dataclasses: `leadflow token` and `status` read it first of all, and need no more than the standard library here.
"""

import json
import os
import re
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from deploy.local.data_folder import is_locked

FILE_NAME = "run.json"
HIDDEN = "***"
"""Stands for a value that is not shown."""
_SECRET = re.compile(r"_(PASSWORD|SECRET|TOKEN|API_KEY)$")

ServiceState = Literal["starting", "ready", "restarting", "paused", "stopped"]


class NotRunning(RuntimeError):
    """Nothing was ever started on this data folder, or it does not run now."""


@dataclass
class ServiceEntry:
    """One service: its port, its process and the settings that it was started with."""

    port: int
    pid: int | None = None
    state: ServiceState = "starting"
    restarts: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    """The LEADFLOW_* settings that the service was started with."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class KafkaEntry:
    """The broker. `pid` is None while it is stopped, and always for an outside Kafka."""

    bootstrap: str
    pid: int | None = None


@dataclass
class PostgresEntry:
    """The database server, with the administrator's address. `pid` is None as in `KafkaEntry`."""

    url: str
    pid: int | None = None


@dataclass
class SmtpEntry:
    """The local mailbox. It is part of the supervisor's process."""

    port: int
    maildir: Path
    host: str = "127.0.0.1"
    pid: int | None = None


@dataclass
class RunRecord:
    """Ports, addresses and process ids of a local run. After a stop everything but the process ids is still valid."""

    pid: int | None
    """The process of `leadflow up`; None once it has ended."""
    started_at: datetime
    issuer: str
    audience: str
    kafka: KafkaEntry
    postgres: PostgresEntry
    smtp: SmtpEntry
    services: dict[str, ServiceEntry]

    @classmethod
    def load(cls, data: Path) -> "RunRecord":
        """The record in a data folder. Raises NotRunning if nothing was ever started there, or it cannot be read."""
        try:
            record = cls._of(json.loads(_private(data).read_bytes()))
        except FileNotFoundError:
            raise NotRunning(
                f"nothing was started in {data} yet; start it with `leadflow up`, or name another folder with --data"
            ) from None
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise NotRunning(
                f"{_private(data)} is damaged, or another version's; `leadflow up` writes it anew"
            ) from error
        # A run that was killed has left its process id, which may be another process's by now: only a run that lives
        # has the folder locked as well.
        if record.pid is not None and not (_exists(record.pid) and is_locked(data)):
            record.pid = None
        return record

    @classmethod
    def load_running(cls, data: Path) -> "RunRecord":
        """The record of a run that is running now. Raises NotRunning otherwise."""
        record = cls.load(data)
        if not record.is_running:
            raise NotRunning(f"Leadflow does not run in {data} now; start it with `leadflow up`")
        return record

    @classmethod
    def _of(cls, saved: dict[str, Any]) -> "RunRecord":
        return cls(
            **saved
            | {
                "started_at": datetime.fromisoformat(saved["started_at"]),
                "kafka": KafkaEntry(**saved["kafka"]),
                "postgres": PostgresEntry(**saved["postgres"]),
                "smtp": SmtpEntry(**saved["smtp"] | {"maildir": Path(saved["smtp"]["maildir"])}),
                "services": {name: ServiceEntry(**entry) for name, entry in saved["services"].items()},
            }
        )

    @property
    def is_running(self) -> bool:
        return self.pid is not None

    def save(self, data: Path) -> None:
        """Replace the record atomically: `run.json` without passwords, to be shown, and the whole among the keys.

        Both are for the owner only.
        """
        _private(data).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path, record in ((_private(data), self), (data / FILE_NAME, self.without_secrets())):
            temporary = path.with_name(f"{path.name}.new")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump(asdict(record), file, indent=2, default=_as_text)
            temporary.replace(path)

    def without_secrets(self) -> "RunRecord":
        """The record as it may be shown: no password in an address, no value of a setting that is a secret."""
        shown = deepcopy(self)
        shown.postgres.url = without_password(self.postgres.url)
        for service in shown.services.values():
            service.environment = {
                name: HIDDEN if _SECRET.search(name) and value else without_password(value)
                for name, value in service.environment.items()
            }
        return shown


def without_password(address: str) -> str:
    """The same address without its password; any other text as it is."""
    parts = urlsplit(address)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=user.partition(":")[0] + at + host)) if at else address


def _as_text(value: datetime | Path) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _exists(pid: int) -> bool:
    """Whether a process has this id. Without psutil, which belongs to the local run and is not in the image."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _private(data: Path) -> Path:
    """The whole record, beside the keys and passwords of the local run."""
    return data / "identity" / FILE_NAME

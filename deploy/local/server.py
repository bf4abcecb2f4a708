"""A server of the local run, Kafka or Postgres: prepared, launched, waited for and stopped by the same steps."""

import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from deploy.local import process


class LocalServer(ABC):
    """A server on 127.0.0.1, its data and log in `data`.

    `start` does everything. To start several servers side by side, call its steps `prepare`, `launch` and `wait`.
    Call `launch` from a thread that lives as long as the server shall: the server ends with its thread.
    """

    name: ClassVar[str]
    _stop_signal: ClassVar[int] = signal.SIGTERM
    _kill_signal: ClassVar[int] = signal.SIGKILL
    _user: str | None = None
    """The system user as which it runs; None: as the parent."""
    _configuration: Path
    """A file that its command line names, by which the leftover of a killed run is known."""
    _pid_file: Path

    def __init__(self, data: Path, port: int) -> None:
        self.data = data.resolve()
        self.port = port
        self.log = self.data / f"{self.name.lower()}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start, and return once the server answers (about 3 s). Raises FetchError or StartError."""
        self.prepare()
        self.launch()
        self.wait()

    @abstractmethod
    def prepare(self) -> None:
        """Do what a launch needs: stop the leftover of a killed run, write the configuration, create the storage."""

    def stop_leftover(self) -> None:
        """Stop the server that a killed run has left on this data."""
        process.stop_leftover(self._pid_file, str(self._configuration), self._stop_signal)

    def launch(self) -> None:
        """Start the process without waiting for it."""
        with self.log.open("ab") as log:
            self._process = process.launch(
                self._command(), log=log, user=self._user, cwd=self.data, orphan_signal=self._stop_signal
            )

    def wait(self, timeout: float = 60.0) -> None:
        """Return once the server answers. Raises StartError."""
        if self._process is None:
            raise process.StartError(f"{self.name} was not launched")
        process.wait_until(self._is_ready, self._process, self.log, self.name, timeout)

    def stop(self, grace: float = 20.0) -> None:
        """Shut down cleanly: everything that was acknowledged is on the disk."""
        self._end(self._stop_signal, grace)

    def kill(self) -> None:
        """Stop at once; for a server whose data is discarded."""
        self._end(self._kill_signal, 5)

    def _end(self, signum: int, grace: float) -> None:
        if self._process is not None:
            process.stop(self._process, signum, grace)
            self._process = None

    @abstractmethod
    def _command(self) -> Sequence[str | Path]: ...

    @abstractmethod
    def _is_ready(self) -> bool: ...

"""One service as a child process: started, watched, restarted with back-off."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.local import process

_FIRST_BACK_OFF = 0.5
_LONGEST_BACK_OFF = 30.0
_STABLE_AFTER = 60.0
"""Seconds after which a service counts as having worked: if it ends then, the back-off starts from the beginning."""


class ServiceProcess:
    """`leadflow services run NAME`, with its output in `log`."""

    def __init__(self, name: str, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self.restarts = 0
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._launched_at = 0.0
        self._restart_at: float | None = None
        self._failures = 0
        self._paused = False

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def launch(self, *, preload: bool = False) -> None:
        """Start the process without waiting for it. Call it from the main thread: the child ends with its thread.

        With `preload` the process loads its code, which takes longest, and starts to work when `begin` is called.
        """
        self._restart_at = None
        self._launched_at = time.monotonic()
        command = [sys.executable, "-m", "cli.main", "services", "run", self.name]
        command += ["--wait"] if preload else []
        stdin = subprocess.PIPE if preload else subprocess.DEVNULL
        with self.log.open("ab") as log:
            self._process = process.launch(command, log=log, env={**os.environ, **self._environment}, stdin=stdin)

    def begin(self) -> None:
        """Let a process that was launched with `preload` start to work."""
        self._close_stdin(b"begin\n")

    def _close_stdin(self, line: bytes = b"") -> None:
        """Send a preloaded process its line. Without one it exits."""
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:
                stdin.write(line)

    def notice_exit(self) -> str | None:
        """How the process ended, and plan its restart; returned once for each exit. None while it runs or is paused."""
        if (
            self._paused
            or self._process is None
            or self._restart_at is not None
            or (code := self._process.poll()) is None
        ):
            return None
        now = time.monotonic()
        self._failures = 0 if now - self._launched_at > _STABLE_AFTER else self._failures + 1
        self._restart_at = now + self.back_off
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"

    @property
    def error_lines(self) -> str:
        """The end of the log if the process ended with an error; '' if it runs or was killed by a signal."""
        failed = self._process is not None and (self._process.poll() or 0) > 0
        return f"{process.tail(self.log, 5)}\n({self.log})" if failed else ""

    @property
    def back_off(self) -> float:
        """Seconds from an exit to the restart."""
        return min(_FIRST_BACK_OFF * 2.0 ** max(0, self._failures - 1), _LONGEST_BACK_OFF)

    def restart_if_due(self) -> bool:
        """Restart the process once its back-off is over; returns whether it was restarted."""
        if self._paused or self._restart_at is None or time.monotonic() < self._restart_at:
            return False
        self.restarts += 1
        self.launch()
        return True

    def pause(self) -> bool:
        """Stop the process until `resume`; returns whether it has stopped by now."""
        if not self._paused:
            self._paused = True
            self.request_stop()
        return self.pid is None

    def resume(self) -> bool:
        """Start a paused process; returns whether it was paused."""
        if not self._paused:
            return False
        self._paused = False
        self.launch()
        return True

    def request_stop(self) -> None:
        """Ask the process to finish its work in progress and to end."""
        self._restart_at = None
        self._close_stdin()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once."""
        self._restart_at = None
        self._close_stdin()
        if self._process is not None:
            process.stop(self._process, signal.SIGKILL, 5)

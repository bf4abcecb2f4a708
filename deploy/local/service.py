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

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_GOOD_RUN = 60.0
"""Seconds after which a service that dies counts as one that had worked: the back-off begins anew."""


class ServiceProcess:
    """`leadflow services run NAME`, its output going to `log`."""

    def __init__(self, name: str, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self.restarts = 0
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._launched_at = 0.0
        self._restart_at: float | None = None
        self._failures = 0
        self._held = False

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def launch(self, *, on_your_marks: bool = False) -> None:
        """Start it without waiting for it. Call it from the main thread: the child ends with the thread.

        With `on_your_marks` it loads its code, which takes longest, and begins to work when `go` is called.
        """
        self._restart_at = None
        self._launched_at = time.monotonic()
        command = [sys.executable, "-m", "cli.main", "services", "run", self.name]
        command += ["--wait"] if on_your_marks else []
        stdin = subprocess.PIPE if on_your_marks else subprocess.DEVNULL
        with self.log.open("ab") as log:
            self._process = process.launch(command, log=log, env={**os.environ, **self._environment}, stdin=stdin)

    def go(self) -> None:
        """Let a service that waits on its marks begin."""
        self._leave_marks(b"go\n")

    def _leave_marks(self, word: bytes = b"") -> None:
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:
                stdin.write(word)

    def died(self) -> str | None:
        """How it ended, told once for each death; None while it runs. A restart is then due after the back-off."""
        if (
            self._held
            or self._process is None
            or self._restart_at is not None
            or (code := self._process.poll()) is None
        ):
            return None
        now = time.monotonic()
        self._failures = 0 if now - self._launched_at > _GOOD_RUN else self._failures + 1
        self._restart_at = now + self.back_off
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"

    @property
    def last_words(self) -> str:
        """The end of its log, where it ended by itself; who killed it knows why."""
        by_itself = self._process is not None and (self._process.poll() or 0) > 0
        return f"{process.tail(self.log, 5)}\n({self.log})" if by_itself else ""

    @property
    def back_off(self) -> float:
        """Seconds from a death to the restart."""
        return min(_FIRST_PAUSE * 2.0 ** max(0, self._failures - 1), _LONGEST_PAUSE)

    def restart_if_due(self) -> bool:
        """Start it again once the back-off is over; returns whether it did."""
        if self._held or self._restart_at is None or time.monotonic() < self._restart_at:
            return False
        self.restarts += 1
        self.launch()
        return True

    def hold(self) -> bool:
        """Stop it, and leave it stopped until `release`; returns whether it stands by now."""
        if not self._held:
            self._held = True
            self.ask_to_stop()
        return self.pid is None

    def release(self) -> bool:
        """Start it again if it was held; returns whether it was."""
        if not self._held:
            return False
        self._held = False
        self.launch()
        return True

    def ask_to_stop(self) -> None:
        """Let it finish what is under way."""
        self._restart_at = None
        self._leave_marks()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._restart_at = None
        self._leave_marks()
        if self._process is not None:
            process.stop(self._process, signal.SIGKILL, 5)

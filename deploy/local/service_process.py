"""One service as a child process: started, watched, restarted with back-off."""

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path

from setproctitle import setproctitle

from deploy.local import process

_FIRST_BACK_OFF = 0.5
_LONGEST_BACK_OFF = 30.0
_STABLE_AFTER = 60.0
"""Seconds after which a service counts as having worked: if it ends then, the back-off starts from the beginning."""


_PROCESSES = multiprocessing.get_context("forkserver")
"""Services are copies of a process that has loaded their common code: on a laptop that is most of their start."""
_PROCESSES.set_forkserver_preload(["deploy.local.preloaded"])


def load_common_code() -> None:
    """Begin to load the code that all services share, in a process of its own. What this one does goes on meanwhile."""
    forkserver.ensure_running()


class ServiceProcess:
    """`leadflow services run NAME`, with its output in `log`."""

    def __init__(self, name: str, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self.restarts = 0
        self._environment = environment
        self._process: multiprocessing.process.BaseProcess | None = None
        self._begin: Connection | None = None
        self._launched_at = 0.0
        self._restart_at: float | None = None
        self._failures = 0
        self._paused = False

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.is_alive() else None

    def launch(self, *, preload: bool = False) -> None:
        """Start the process without waiting for it; the first one waits until the common code is loaded.

        With `preload` the process loads its own code, and starts to work when `begin` is called.
        """
        self._restart_at = None
        self._launched_at = time.monotonic()
        waits, self._begin = _PROCESSES.Pipe(duplex=False) if preload else (None, None)
        environment = {**os.environ, **self._environment}
        self._process = _PROCESSES.Process(target=_run, args=(self.name, environment, self.log, waits))
        self._process.start()
        if waits is not None:
            waits.close()

    def begin(self) -> None:
        """Let a process that was launched with `preload` start to work."""
        if self._begin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._begin.send(True)
            self._give_up_preload()

    def _give_up_preload(self) -> None:
        """A preloaded process that was not told to begin exits."""
        if self._begin is not None:
            self._begin.close()
            self._begin = None

    def notice_exit(self) -> str | None:
        """How the process ended, and plan its restart; returned once for each exit. None while it runs or is paused."""
        if (
            self._paused
            or self._process is None
            or self._restart_at is not None
            or (code := self._process.exitcode) is None
        ):
            return None
        now = time.monotonic()
        self._failures = 0 if now - self._launched_at > _STABLE_AFTER else self._failures + 1
        self._restart_at = now + self.back_off
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"

    @property
    def error_lines(self) -> str:
        """The end of the log if the process ended with an error; '' if it runs or was killed by a signal."""
        failed = self._process is not None and (self._process.exitcode or 0) > 0
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
        self._give_up_preload()
        if self._process is not None and self._process.is_alive():
            self._process.terminate()

    def kill(self) -> None:
        """End the process at once."""
        self._restart_at = None
        self._give_up_preload()
        if self._process is not None:
            self._process.kill()
            self._process.join(5)


def _run(name: str, environment: Mapping[str, str], log: Path, waits: Connection | None) -> None:
    """What the copied process does: become `leadflow services run NAME`, in a session of its own like every child."""
    # Its parent is the process that it is a copy of; `leadflow up`, which asked for it, is only what it was told of.
    process.ask_for_signal_of_parents_death(signal.SIGTERM)
    threading.Thread(target=_end_with_leadflow_up, daemon=True).start()
    # Before the environment changes: the title is written over the place where it began.
    setproctitle(f"leadflow services run {name}")
    os.setsid()
    with log.open("ab", buffering=0) as output:
        for descriptor in (1, 2):
            os.dup2(output.fileno(), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    if waits is not None:
        importlib.import_module(f"services.{name}.app")
        try:
            waits.recv()
        except EOFError:
            return
    sys.argv = ["leadflow", "services", "run", name]
    importlib.import_module("cli.main").main()


def _end_with_leadflow_up() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)

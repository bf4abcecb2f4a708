"""Child processes that never outlive their parent: start, wait for readiness, stop."""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

_PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when its parent dies."""
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class StartError(RuntimeError):
    """A process did not start; the message ends with the last lines of its log."""


def die_with_parent(signum: int) -> Callable[[], None]:
    """The `preexec_fn` of a child to which the kernel shall send `signum` when its parent dies.

    For the kernel the parent is the thread that started the child: use a thread that lives as long as the child shall.
    On other systems than Linux this does nothing; `stop_leftover` then ends the child at the next start.
    """
    parent = os.getpid()

    def prepare() -> None:
        ask_for_signal_of_parents_death(signum)
        if _LIBC is not None and os.getppid() != parent:
            os._exit(1)

    return prepare


def ask_for_signal_of_parents_death(signum: int) -> None:
    """The kernel shall send `signum` to this process when its parent dies. On other systems than Linux: nothing."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log file; '' if the file does not exist."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def launch(
    command: Sequence[str | Path],
    *,
    log: IO[bytes],
    user: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    orphan_signal: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a child with its output in `log`, in a new session: a terminal's Ctrl-C reaches only the parent.

    `orphan_signal` is what the child gets when the parent dies. `user` is another system user; this needs root.
    """
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent(orphan_signal),
        **user_arguments(user),
        env=dict(env) if env is not None else None,
        cwd=cwd,
    )


def stop(process: subprocess.Popen[bytes], signum: int, grace: float) -> bool:
    """Send `signum`, wait up to `grace` seconds, then kill. Returns whether the process ended without the kill."""
    if process.poll() is not None:
        return True
    process.send_signal(signum)
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True


def stop_leftover(pid_file: Path, marker: str, signum: int, grace: float = 20.0) -> None:
    """Stop the process that an earlier, killed parent left behind: the pid in `pid_file`, if `marker` fits."""
    try:
        pid = int(pid_file.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return
    stop_if_marked(pid, marker, signum, grace)


def stop_if_marked(pid: int, marker: str, signum: int, grace: float = 20.0) -> None:
    """Stop process `pid` if `marker` is in its command line. Otherwise the system has reused the number."""
    try:
        process = psutil.Process(pid)
        if marker not in " ".join(process.cmdline()):
            return
        process.send_signal(signum)
        try:
            process.wait(grace)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(5)
    except psutil.NoSuchProcess:
        return


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, name: str, timeout: float
) -> None:
    """Poll `ready` until it is true. Raises StartError if the process ends or `timeout` seconds pass before."""
    deadline = time.monotonic() + timeout
    while not ready():
        if process.poll() is not None:
            raise StartError(f"{name} ended with code {process.returncode} while starting; {log}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise StartError(f"{name} was not ready within {timeout:.0f} s; {log}:\n{tail(log)}")
        time.sleep(0.05)


def user_arguments(user: str | None) -> dict[str, Any]:
    """The arguments of `subprocess` for a child that runs as `user`, without root's groups; None: as the parent."""
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}

"""A child process that never outlives its parent, and the ports that such children take."""

import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class StartError(RuntimeError):
    """A process did not come up; the message ends with the last lines of its log."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_taken(port: int) -> bool:
    """Whether somebody listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        # As the servers do themselves: connections of a server that has just stopped are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


def die_with_parent(signum: int) -> Callable[[], None]:
    """What a child runs between fork and exec, so that the kernel sends it `signum` when its parent dies.

    The kernel means the parent's thread: start children from a thread that lives as long as they shall.
    Elsewhere than on Linux nothing happens; leftovers are then found by `stop_leftover` at the next start.
    """
    parent = os.getpid()

    def prepare() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log file, or '' when there is none."""
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
    orphaned: int = signal.SIGTERM,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own (a terminal's Ctrl-C reaches the parent alone), its output going to `log`.

    `orphaned` is the signal it gets when the parent dies. `user` is another system user; only root may ask for one.
    """
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=stdin,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent(orphaned),
        **become(user),
        env=dict(env) if env is not None else None,
        cwd=cwd,
    )


def stop(process: subprocess.Popen[bytes], signum: int, grace: float) -> bool:
    """Send `signum` and wait up to `grace` seconds; kill after that. Returns whether it went by itself."""
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


def stop_leftover(pid_file: Path, sign: str, signum: int, grace: float = 20.0) -> None:
    """End what an earlier, killed parent left behind: the pid in `pid_file`, if `sign` is in its command line."""
    try:
        pid = int(pid_file.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return
    end_stray(pid, sign, signum, grace)


def end_stray(pid: int, sign: str, signum: int, grace: float = 20.0) -> None:
    """End process `pid` if `sign` is in its command line: by then the number may be somebody else's."""
    try:
        process = psutil.Process(pid)
        if sign not in " ".join(process.cmdline()):
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
    """Poll `ready` until it holds. Raises StartError when the process ends or `timeout` seconds pass before."""
    deadline = time.monotonic() + timeout
    while not ready():
        if process.poll() is not None:
            raise StartError(f"{name} ended with code {process.returncode} while starting; {log}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise StartError(f"{name} was not ready within {timeout:.0f} s; {log}:\n{tail(log)}")
        time.sleep(0.05)


def become(user: str | None) -> dict[str, Any]:
    """The arguments of `subprocess` for a child that is entirely `user`, without root's groups; None: the parent's."""
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}

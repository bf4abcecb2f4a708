"""The data folder of a local run: its lock, and the files by which commands ask the supervisor to pause a service."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = "up.lock"
_PAUSE_FILES = "paused"


class AlreadyRunning(RuntimeError):
    """Another `leadflow up` uses this data folder."""


@contextmanager
def lock_data_folder(data: Path) -> Iterator[None]:
    """Create the folder, for its owner only, and lock it for this process. Raises AlreadyRunning."""
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    with (data / _LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"another `leadflow up` already runs in {data}; stop it, or name another folder with --data"
            ) from None
        yield


def is_locked(data: Path) -> bool:
    """Whether a process has the folder locked now: a lock ends with its process, however that ends."""
    try:
        with (data / _LOCK).open() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def pause_file(data: Path, service: str) -> Path:
    """While this file exists, the supervisor keeps the service stopped."""
    return data / _PAUSE_FILES / service


def remove_pause_files(data: Path) -> None:
    """Remove what a command that was killed has left."""
    shutil.rmtree(data / _PAUSE_FILES, ignore_errors=True)

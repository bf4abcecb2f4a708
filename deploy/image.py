"""Makes the root of the image: the interpreter, the packages, the code, the libraries that they load, and nothing else.

The Dockerfile runs it while it builds. No shell, no package manager and no tool of the system is in the image: what is
not there needs no update, and helps nobody who got in.
"""

import importlib
import os
import pkgutil
import py_compile
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PYTHON = Path("/usr/local")
PACKAGES = Path("/opt/leadflow")
CODE = Path("/app")

_UNUSED = (
    "**/tests",
    "**/test",
    "**/*.pyi",
    "**/*.pxd",
    "**/*.pyx",
    "**/*.c",
    "**/*.h",
    "**/include",
    "**/__pycache__",
    "numpy/f2py",
    "numpy/typing/tests",
    "phonenumbers/carrierdata",
    "phonenumbers/geodata/__init__.py",
    "phonenumbers/geodata/data*.py",
    "sqlalchemy/dialects/mssql",
    "sqlalchemy/dialects/mysql",
    "sqlalchemy/dialects/oracle",
    "sqlalchemy/dialects/sqlite",
    "sqlalchemy/testing",
)
"""In site-packages: tests, what only compilers and type checkers read, geography of phone numbers, other databases."""

_UNUSED_OF_PYTHON = (
    "config-*",
    "ensurepip",
    "idlelib",
    "pydoc_data",
    "lib-dynload/_test*",
    "site-packages",
    "test",
    "tkinter",
    "turtledemo",
    "**/__pycache__",
)

_IMPORTED_LATER = (
    "alembic.ddl.postgresql",
    "deploy.databases",
    "deploy.local.identity",
    "deploy.local.run_record",
    "deploy.migrate",
    "deploy.topics",
    "encodings.idna",
    "openai",
    "openpyxl",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
)
"""What the code imports when it is needed."""

_OF_THE_LOCAL_RUN = ("cli.foreground",)
"""`leadflow up` starts Kafka and Postgres from packages that are not in the image."""

_OF_THE_SYSTEM = ("etc/ssl/certs/ca-certificates.crt", "etc/os-release", "etc/nsswitch.conf")
_WRITTEN = {
    "etc/passwd": "leadflow:x:65532:65532::/nowhere:/nowhere\n",
    "etc/group": "leadflow:x:65532:\n",
    "etc/ld.so.conf": f"{PYTHON}/lib\n",
}


def assemble(root: Path) -> None:
    """Fill `root`, an empty folder. Raises FileNotFoundError when a library that something loads is missing."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for name in ("python", "python3", version):
        _copy(PYTHON / "bin" / name, root)
    for library in PYTHON.glob("lib/libpython*.so*"):
        _copy(library, root)
    _copy(PYTHON / "lib" / version, root)
    _remove(root / PYTHON.relative_to("/") / "lib" / version, _UNUSED_OF_PYTHON)
    _copy(PACKAGES, root)
    _remove(root / PACKAGES.relative_to("/") / "lib" / version / "site-packages", _UNUSED)
    _copy(CODE, root)
    _strip(root)
    (root / "usr" / "lib64").mkdir(parents=True, exist_ok=True)
    for name in ("lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for library in sorted(_libraries(root)):
        _copy(library, root)
    for name in _OF_THE_SYSTEM:
        if Path("/", name).exists():
            _copy(Path("/", name).resolve(), root, Path(name))
    for name, content in _WRITTEN.items():
        (root / name).write_text(content)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    subprocess.run(["ldconfig", "-X", "-r", str(root)], check=True)


def warm_up() -> None:
    """In the image: import all that services and commands import, and keep its bytecode. Raises ImportError.

    So whatever was left out and is needed fails the build. A start with bytecode takes a third of the time, and a
    read-only root cannot keep it later; that of modules which nobody imports would be a tenth of the image.
    """
    for name in modules(CODE):
        importlib.import_module(name)
    for imported in list(sys.modules.values()):
        file = getattr(imported, "__file__", None)
        if file is not None and file.endswith(".py"):
            # By content and not by time: a layer that is copied may lose the times.
            py_compile.compile(file, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)


def modules(code: Path) -> Iterator[str]:
    """The names of the modules of `code` that a process in the image may import."""
    for package in ("shared", "services", "cli"):
        for module in pkgutil.walk_packages([str(code / package)], f"{package}."):
            left_out = module.name.endswith("__main__") or ".migrations" in module.name
            if not left_out and module.name not in _OF_THE_LOCAL_RUN:
                yield module.name
    yield from _IMPORTED_LATER


def _copy(source: Path, root: Path, name: Path | None = None) -> None:
    target = root / (name or source.relative_to("/"))
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    elif not target.is_symlink() and not target.exists():
        shutil.copy2(source, target, follow_symlinks=False)


def _remove(folder: Path, patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        for found in sorted(folder.glob(pattern), reverse=True):
            if found.is_dir():
                shutil.rmtree(found, ignore_errors=True)
            else:
                found.unlink(missing_ok=True)


def _binaries(root: Path) -> Iterator[Path]:
    for file in root.rglob("*"):
        is_code = file.suffix == ".so" or ".so." in file.name or file.parent.name == "bin"
        if is_code and file.is_file() and not file.is_symlink():
            with file.open("rb") as content:
                if content.read(4) == b"\x7fELF":
                    yield file


def _strip(root: Path) -> None:
    """Take debugging symbols out of compiled packages: a third of their size. Repaired wheels keep theirs (*.libs)."""
    for file in _binaries(root):
        if ".libs" not in str(file):
            subprocess.run(["strip", "--strip-unneeded", str(file)], check=True)


def _libraries(root: Path) -> set[Path]:
    """The system's libraries that anything in `root` loads, under every name by which they are found."""
    found: set[Path] = set()
    for file in _binaries(root):
        for line in subprocess.run(["ldd", str(file)], capture_output=True, text=True).stdout.splitlines():
            if "not found" in line:
                raise FileNotFoundError(f"{file} needs {line.strip()}")
            if (path := re.search(r"(/\S+) \(0x", line)) and not path[1].startswith((str(root), str(PYTHON))):
                found |= set(_names(Path(path[1])))
    # Threads that end are the one thing for which the C library loads another by itself.
    return found | {name for file in Path("/usr/lib").glob("*-linux-gnu/libgcc_s.so.1") for name in _names(file)}


def _names(path: Path) -> Iterator[Path]:
    """The path, and what it links to, link by link, below folders that are none."""
    while True:
        path = path.parent.resolve() / path.name
        yield path
        if not path.is_symlink():
            return
        path = path.parent / os.readlink(path)


if __name__ == "__main__":
    if sys.argv[1:2] == ["assemble"]:
        assemble(Path(sys.argv[2]))
    else:
        warm_up()

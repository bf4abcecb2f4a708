"""The project's files as the guards see them, and copies of the packages in which a violation is planted."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("shared", "services", "cli", "deploy")
_LEFT_OUT = {"__pycache__", "node_modules"}


def files(root: Path = ROOT) -> list[Path]:
    """Every file of the project, checked in or about to be, relative to its root."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root,
            capture_output=True,
            check=True,
            text=True,
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        return sorted(_walk(root))  # unpacked from an archive
    return sorted(Path(name) for name in listed if name and (root / name).is_file())


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _LEFT_OUT]
        yield from ((Path(folder) / name).relative_to(root) for name in names)


def texts(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Every text file of the project with its content."""
    for path in files(root):
        content = (root / path).read_bytes()
        if b"\0" not in content:
            yield path, content.decode(errors="replace")


def sources(root: Path = ROOT) -> Iterator[tuple[Path, ast.Module]]:
    """Every Python module of the four packages, parsed."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield path.relative_to(root), ast.parse(path.read_text(encoding="utf-8"), str(path))


def copy_of_the_packages(folder: Path) -> Path:
    """The four packages and their configuration, to plant something in."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint_imports(root: Path) -> dict[str, bool]:
    """The import contracts of pyproject.toml by name, and whether the packages below `root` keep them."""
    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    verdicts = {name: word == "KEPT" for name, word in re.findall(r"^(.+) (KEPT|BROKEN)\b", run.stdout, re.MULTILINE)}
    assert verdicts, run.stdout + run.stderr
    return verdicts

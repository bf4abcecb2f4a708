"""What no file of the project may hold: names of package registries' hosts, and paths of somebody's machine."""

import re
from collections.abc import Iterable
from pathlib import Path

from tests.architecture.tree import texts

REGISTRY = re.compile(
    r"(pypi\.org|pythonhosted\.org|repo1?\.maven\.(apache\.)?org|maven\.org/maven2|registry\.npmjs\.org|npmjs\.com"
    r"|registry-1\.docker\.io|index\.docker\.io|ghcr\.io|quay\.io|conda\.anaconda\.org|proxy\.golang\.org|crates\.io"
    r"|/artifac[t]ory/|/nexus/reposi[t]ory|devp[i]\b)",
    re.IGNORECASE,
)
MACHINE = re.compile(
    r"(?<![\w./${}-])(/work/[a-z.]|/ro[o]t/|/home/[a-z]|/Users/[A-Za-z]|/tmp/[a-z]|/private/va[r]/|[A-Z]:\\Users\\)"
)


def holding(pattern: re.Pattern[str], named: Iterable[tuple[Path, str]]) -> list[str]:
    """`file:line: what` for each place where a pattern is found."""
    return [
        f"{path}:{text.count(chr(10), 0, found.start()) + 1}: {found.group()}"
        for path, text in named
        for found in pattern.finditer(text)
    ]


def test_no_file_names_a_package_registry() -> None:
    assert holding(REGISTRY, texts()) == []


def test_no_file_names_a_path_of_a_machine() -> None:
    assert holding(MACHINE, texts()) == []


def test_a_planted_registry_is_found() -> None:
    planted = "\n--index-url https://files." + "pythonhosted" + ".org/simple"
    assert holding(REGISTRY, [(Path("requirements.txt"), planted)]) == [
        "requirements.txt:2: " + "pythonhosted" + ".org"
    ]
    assert holding(REGISTRY, [(Path("README.md"), "from PyPI and Maven Central by the ordinary clients")]) == []


def test_a_planted_machine_path_is_found() -> None:
    planted = "data: /" + "home/ann/leadflow"
    assert holding(MACHINE, [(Path("notes.md"), planted)]) == ["notes.md:1: /" + "home/a"]
    assert holding(MACHINE, [(Path("a.py"), "GET /v1/work/items and https://example.com/root/")]) == []

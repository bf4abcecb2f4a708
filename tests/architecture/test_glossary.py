"""docs/glossary.md explains every word that modules, tables and event types are named by."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from shared.events import CATALOGUE
from tests.architecture.test_layout import LAYOUT
from tests.architecture.tree import ROOT, files, sources

PAGE = ROOT / "docs" / "glossary.md"
_ROW = re.compile(r"^\| (?P<terms>[^|]+) \| (?P<meaning>[^|]+) \| (?P<where>[^|]+) \|$", re.M)
_OF_PYTHON = {"__init__", "__main__", "env", "versions"}


def rows(page: str) -> list[tuple[list[str], str]]:
    """(terms, file) of each row of the page."""
    return [
        ([term.strip() for term in row["terms"].split(",")], row["where"].strip(" `"))
        for row in _ROW.finditer(page)
        if row["terms"].strip() not in ("term", "---")
    ]


def singular(word: str) -> str:
    """A word without what the plural adds."""
    word = word.lower()
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("iases", "ias"), ("ches", "ch"), ("xes", "x"), ("s", "")):
        if word.endswith(ending) and not word.endswith(("ss", "us", "is", "ias")):
            return word.removesuffix(ending) + instead
    return word


def words(text: str) -> list[str]:
    return [singular(word) for word in re.split(r"[^A-Za-z0-9]+", text) if word]


def known_words(page: str) -> set[str]:
    """Every word of every term."""
    return {word for terms, _ in rows(page) for term in terms for word in words(term)}


def unexplained(names: Iterable[str], known: set[str]) -> list[str]:
    """Names with a word that no term has, as `name: word`."""
    return sorted({f"{name}: {word}" for name in names for word in words(name) if word not in known})


def module_names() -> Iterator[str]:
    """The names of modules and packages in services and shared, besides those of the layout."""
    for path in files():
        if path.suffix == ".py" and path.parts[0] in ("services", "shared") and "versions" not in path.parts:
            yield from {path.stem, *path.parts[1:-1]} - LAYOUT - _OF_PYTHON


def table_names() -> Iterator[str]:
    for path, module in sources():
        if path.name == "tables.py":
            for node in ast.walk(module):
                if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__tablename__":
                    yield str(getattr(node.value, "value", ""))


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_module_is_named_by_terms_of_the_glossary(page: str) -> None:
    assert unexplained(module_names(), known_words(page)) == []


def test_every_table_is_named_by_terms_of_the_glossary(page: str) -> None:
    names = set(table_names())
    assert len(names) > 30
    assert unexplained(names, known_words(page)) == []


def test_every_event_type_is_named_by_terms_of_the_glossary(page: str) -> None:
    assert unexplained(CATALOGUE, known_words(page)) == []


def test_every_file_that_the_glossary_names_exists(page: str) -> None:
    missing = [where for _, where in rows(page) if not (ROOT / where).is_file()]
    assert missing == []


def test_a_term_has_one_row(page: str) -> None:
    terms = [term for of_row, _ in rows(page) for term in of_row]
    assert sorted(terms) == sorted(set(terms))


def test_a_name_that_nobody_explained_is_found() -> None:
    known = known_words("| term | meaning | where |\n| lead record, leads | x | `y.py` |\n")
    assert unexplained(["lead_records", "lead_gossip"], known) == ["lead_gossip: gossip"]


DIALECT = re.compile(
    r"(?:^|_)(tell|tells|told|telling|said|says|saying|heard|hear|mend|mended|mends|settle|settled|judge|judging|judged"
    r"|wish|wishes|bury|buried)(?:_|$)",
    re.I,
)
"""Words of an earlier private dialect, each of which meant several things."""
_KEPT = {"told_on", "told_value", "meetings_told", "created_told", "from_said", "tell"}
"""Columns that keep their names, and the method `tell` of Python's files."""


def dialect(modules: Iterable[tuple[Path, ast.Module]]) -> list[str]:
    """Names of functions, classes, parameters and variables with such a word, as `file: name`."""
    found = set()
    for path, module in modules:
        for node in ast.walk(module):
            names: list[str] = []
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names = [node.name]
            elif isinstance(node, ast.arg):
                names = [node.arg]
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names = [node.id]
            snake = [(name, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)) for name in names]
            found |= {f"{path}: {name}" for name, split in snake if DIALECT.search(split) and name not in _KEPT}
    return sorted(found)


def test_no_name_is_of_the_former_dialect() -> None:
    assert dialect(sources()) == []
    planted = ast.parse("class Telling: ...\ndef said_anew(told): ...")
    assert dialect([(Path("a.py"), planted)]) == ["a.py: Telling", "a.py: said_anew", "a.py: told"]

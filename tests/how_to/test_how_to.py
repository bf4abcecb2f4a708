"""The pages of docs/how-to are executed: what they say to write is written into a copy, and their checks run there.

A fenced block with `file=PATH` is an edit (`create`, `append`, `before="LINE"`, `after="LINE"`, `replace="LINE"`); a
block `sh check` holds the commands that must pass afterwards.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from tests.architecture.tree import ROOT

PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w+) (?P<info>[^\n]+)\n(?P<code>.*?)^ *```$", re.M | re.S)
_EDIT = re.compile(r'file=(?P<path>\S+) (?P<how>create|append|(?P<place>before|after|replace)="(?P<line>.*)")$')
_LEFT_OUT = (".git", ".venv", ".leadflow", "__pycache__", ".pytest_cache", ".ruff_cache", ".hypothesis")


@dataclass(frozen=True)
class Edit:
    """One change of one file."""

    path: str
    how: str
    line: str
    code: str

    def apply(self, root: Path) -> None:
        path = root / self.path
        if self.how == "create":
            assert not path.exists(), f"{self.path} exists already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.code)
            return
        text = path.read_text()
        if self.how == "append":
            path.write_text(text + self.code)
            return
        whole = f"{self.line}\n"
        assert text.count(f"\n{whole}") == 1, f"the line {self.line!r} must be in {self.path} exactly once"
        new = {"before": self.code + whole, "after": whole + self.code, "replace": self.code}[self.how]
        path.write_text(text.replace(f"\n{whole}", f"\n{new}"))


def steps(page: str) -> Iterator[Edit | str]:
    """The edits and the commands of a page, in order."""
    for block in _BLOCK.finditer(page):
        code = dedent(block["code"])
        if block["info"] == "check":
            yield code
            continue
        edit = _EDIT.match(block["info"])
        assert edit, f"not understood: {block['info']}"
        # A block keeps its indentation in the file: it is indented by that of its fence only.
        indent = len(block["indent"])
        code = "".join(line[indent:] if line.strip() else "\n" for line in block["code"].splitlines(keepends=True))
        line = (edit["line"] or "").replace('\\"', '"').replace("\\n", "\n")
        yield Edit(edit["path"], edit["place"] or edit["how"], line, code)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("how-to") / "leadflow"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    (root / ".venv").symlink_to(ROOT / ".venv")
    return root


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_the_page_says_works(copy: Path, page: Path) -> None:
    commands = []
    for step in steps(page.read_text()):
        if isinstance(step, Edit):
            step.apply(copy)
        else:
            commands.append(step)
    assert commands, "the page has no block of commands that check the result"
    for command in commands:
        done = subprocess.run(["sh", "-ec", command], cwd=copy, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout[-6_000:]}\n{done.stderr[-2_000:]}"


def test_an_edit_that_does_not_fit_is_found(copy: Path) -> None:
    with pytest.raises(AssertionError, match="exactly once"):
        Edit("shared/names.py", "after", "there is no such line", "x = 1\n").apply(copy)

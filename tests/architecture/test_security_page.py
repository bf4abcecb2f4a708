"""`docs/security.md` promises nothing without a test: each file and each test that it names exists."""

import re

from tests.architecture.tree import ROOT

PAGE = ROOT / "docs/security.md"


def missing(page: str) -> list[str]:
    """The files and tests that a page names and that do not exist."""
    found = []
    for name in re.findall(r"`((?:services|shared|deploy|tests|cli)/[^`]+)`", page):
        path, _, test = name.partition("::")
        text = (ROOT / path).read_text() if (ROOT / path).is_file() else None
        if not (ROOT / path).exists() or (test and f"def {test}(" not in (text or "")):
            found.append(name)
    return found


def test_every_promise_of_the_security_page_names_a_test_that_exists() -> None:
    page = PAGE.read_text()
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    rows = [line for line in lines if line.count("|") == 4 and not line.startswith("| promise")]
    assert len(rows) > 20
    assert [row for row in rows if "::test_" not in row] == []
    assert missing(page) == []


def test_a_planted_promise_without_its_test_is_found() -> None:
    assert missing("| It is safe. | `shared/none.py` | `tests/architecture/test_security_page.py::test_nothing` |") == [
        "shared/none.py",
        "tests/architecture/test_security_page.py::test_nothing",
    ]

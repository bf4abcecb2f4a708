"""The allowed imports inside outreach: sequences -> drafts -> sending -> suppression <- replies."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "services" / "outreach"
BELOW = {
    "sequences": {"drafts", "sending", "suppression"},
    "drafts": {"sending", "suppression"},
    "sending": {"suppression"},
    "replies": {"suppression"},
    "suppression": set(),
}
TOP = {"app", "consumers", "erasure"}
"""Files that join the parts; all other files at the top are common ground, and know none of them but suppression."""
GROUND = {"arrivals": {"suppression"}}


def imports_of(source: str) -> set[str]:
    """The parts of outreach that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    parts = {name.split(".")[2] for name in names if name.startswith("services.outreach.")}
    return parts & set(BELOW)


def forbidden(part: str, source: str) -> set[str]:
    allowed = BELOW[part] | {part} if part in BELOW else GROUND.get(part, set())
    return imports_of(source) - allowed


FILES = [path for path in sorted(ROOT.rglob("*.py")) if "migrations" not in path.parts]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_one_way(path):
    part = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if part not in TOP:
        assert not forbidden(part, path.read_text())


def test_the_guard_sees_a_planted_violation():
    assert forbidden("sending", "from services.outreach.drafts import store") == {"drafts"}
    assert forbidden("replies", "from services.outreach.sending.use_cases import sent") == {"sending"}
    assert forbidden("store", "import services.outreach.replies.rules") == {"replies"}
    assert not forbidden("drafts", "from services.outreach.sending.message import compose")

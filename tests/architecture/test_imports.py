"""Who may import whom: the contracts of pyproject.toml hold, and each is seen to fail on a planted violation."""

import sys
from pathlib import Path

import grimp
import pytest

from tests.architecture.tree import PACKAGES, ROOT, copy_of_the_packages, lint_imports

INDEPENDENT = "Services know each other by events only"
SHARED = "What is shared knows no service"
DEPLOYMENT = "Services know neither the command nor the deployment"
RULES = "Rules decide, and call nobody"
EVENTS = "Events are words, and need neither broker, database nor HTTP"
INNER = "Use cases and stores know neither HTTP nor the broker"
ARROWS = "Outreach points one way"
REPLIES = "Outreach does not lean on replies"

PLANTED = [
    ("services.goals.store", "services.stages.tables", INDEPENDENT),
    ("services.capture.rules", "services.scoring.rules", INDEPENDENT),
    ("shared.messaging", "services.capture.app", SHARED),
    ("shared.testing", "deploy.migrate", SHARED),
    ("services.enrichment", "deploy.migrate", DEPLOYMENT),
    ("services.capture.rules", "sqlalchemy", RULES),
    ("services.goals.rules", "asyncpg", RULES),
    ("services.scoring.rules", "fastapi", RULES),
    ("services.stages.rules", "faststream", RULES),
    ("services.enrichment.rules", "httpx", RULES),
    ("services.outreach.replies.rules", "sqlmodel", RULES),
    ("services.stages.rules", "services.stages.tables", RULES),  # by way of another module
    ("shared.events", "shared.db", EVENTS),
    ("services.stages.use_cases", "fastapi", INNER),
    ("services.goals.store", "faststream", INNER),
    ("services.outreach.drafts", "services.outreach.sequences", ARROWS),
    ("services.outreach.sending", "services.outreach.drafts.rules", ARROWS),
    ("services.outreach.suppression", "services.outreach.sending.rules", ARROWS),
    ("services.outreach.replies", "services.outreach.sending.rules", ARROWS),
    ("services.outreach.sending", "services.outreach.replies.tables", ARROWS),
    ("services.outreach.drafts", "services.outreach.replies.tables", REPLIES),
    ("services.outreach.sequences", "services.outreach.replies.tables", REPLIES),
]


def test_every_import_contract_is_kept() -> None:
    verdicts = lint_imports(ROOT)
    assert {INDEPENDENT, SHARED, DEPLOYMENT, RULES, EVENTS, INNER, ARROWS, REPLIES} == verdicts.keys()
    assert all(verdicts.values()), [name for name, kept in verdicts.items() if not kept]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copy_of_the_packages(tmp_path_factory.mktemp("packages"))
    sequences = root / "services" / "outreach" / "sequences"
    sequences.mkdir(exist_ok=True)
    (sequences / "__init__.py").touch()
    return root


@pytest.mark.parametrize(("package", "imported", "contract"), PLANTED)
def test_a_planted_import_breaks_its_contract(copy: Path, package: str, imported: str, contract: str) -> None:
    planted = copy.joinpath(*package.split("."), "planted.py")
    planted.write_text(f"import {imported}\n")
    try:
        assert lint_imports(copy)[contract] is False
    finally:
        planted.unlink()


def test_the_copy_without_a_plant_keeps_every_contract(copy: Path) -> None:
    assert all(lint_imports(copy).values())


def unseen(root: Path) -> list[str]:
    """Folders with modules but without `__init__.py`: the import linter does not look into them."""
    folders = {path.parent for package in PACKAGES for path in (root / package).rglob("*.py")}
    return sorted(
        folder.relative_to(root).as_posix()
        for folder in folders
        if folder.name != "versions" and not (folder / "__init__.py").is_file()
    )


def test_no_module_hides_from_the_import_linter(tmp_path: Path) -> None:
    assert unseen(ROOT) == [], "these folders lack an __init__.py"
    hidden = tmp_path / "services" / "goals" / "rules"
    hidden.mkdir(parents=True)
    (hidden / "hidden.py").touch()
    assert unseen(tmp_path) == ["services/goals/rules"]


PURE = (
    "shared.events",
    "shared.limits",
    "shared.attributes",
    "shared.charsets",
    "shared.expressions",
    "shared.ids",
    "shared.mail_addresses",
    "shared.strict_json",
    "shared.text",
    "anyascii",
    "charset_normalizer",
    "holidays",
    "idna",
    "jellyfish",
    "numpy",
    "orjson",
    "python_multipart",
    "rapidfuzz",
    "selectolax",
)
"""What rules may import: events, limits, ids, mail addresses, and libraries that compute and reach nothing: readers of
JSON, of forms, of pages and of character sets, the expressions of mappings, calendars, arithmetic on arrays, spelling,
the names of domains."""


def beyond_the_rules(graph: grimp.ImportGraph) -> list[str]:
    """What rules import besides the standard library, `PURE`, and the rules of their own service."""
    strangers = []
    for module in sorted(graph.modules):
        service = ".".join(module.split(".")[:2])
        if not module.startswith("services.") or "rules" not in module.split("."):
            continue
        for imported in graph.find_modules_directly_imported_by(module):
            own = imported.startswith(f"{service}.") and "rules" in imported.split(".")
            pure = any(imported == name or imported.startswith(f"{name}.") for name in PURE)
            if not own and not pure and imported.split(".")[0] not in sys.stdlib_module_names:
                strangers.append(f"{module} imports {imported}")
    return strangers


def test_rules_import_the_standard_library_and_what_is_pure_only() -> None:
    graph = grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)
    assert beyond_the_rules(graph) == []
    graph.add_import(importer="services.goals.rules", imported="httpx")
    graph.add_import(importer="services.stages.rules.fold", imported="services.stages.schemas")
    assert beyond_the_rules(graph) == [
        "services.goals.rules imports httpx",
        "services.stages.rules.fold imports services.stages.schemas",
    ]

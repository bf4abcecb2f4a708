"""The same concept has the same file name in every service, and files stay small enough to read."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from shared.names import SERVICES
from tests.architecture.tree import ROOT, files

LAYOUT = {
    "app",
    "settings",
    "consumers",
    "endpoints",
    "workers",
    "schemas",
    "use_cases",
    "rules",
    "store",
    "gateways",
    "tables",
    "migrations",
    "republish",
}
"""Every name that a service may have at its top; a file or a package. `republish`: state as events again."""

BESIDES: Mapping[str, Mapping[str, str]] = {
    "enrichment": {
        "providers": "the chain's members; those that need no network are no gateways",
    },
    "outreach": {
        "sequences": "a part that repeats this layout",
        "drafts": "a part that repeats this layout",
        "sending": "a part that repeats this layout",
        "replies": "a part that repeats this layout",
        "suppression": "a part that repeats this layout",
        "hooks": "what a part tells the others without importing them",
        "keys": "what is derived from the service's secret",
        "address_forms": "the spellings of a mail address, and the one by which it is known",
        "context": "what endpoints, consumers and workers need of the process: settings, keys, whom to wake",
        "twilio": "the requests of a provider, and their signature",
        "reading_back": "after a restore: what it has published itself, read from Kafka once",
        "mail_providers": "the requests of providers that hand over mails, and their signatures",
    },
}
"""What a service has besides, and why."""

NOWHERE = {"common", "helper", "helpers", "misc", "model", "models", "repository", "routes", "routers"}
NOWHERE |= {"service", "util", "utils"}
"""Names for what has another name here, or for a drawer."""

LINES = 350


def strangers(service: str, names: Iterable[str]) -> list[str]:
    """Names at the top of a service that are neither in the layout nor explained."""
    allowed = LAYOUT | set(BESIDES.get(service, {})) | {"__init__"}
    return sorted({Path(name).stem for name in names} - allowed)


def _top(service: str) -> set[str]:
    return {
        path.parts[2]
        for path in files()
        if path.parts[:2] == ("services", service) and (path.suffix == ".py" or len(path.parts) > 3)
    }


def test_every_service_is_laid_out_alike() -> None:
    found = {service: strangers(service, _top(service)) for service in SERVICES}
    assert {service: names for service, names in found.items() if names} == {}
    assert strangers("goals", ["app.py", "rules", "handlers.py"]) == ["handlers"]
    assert strangers("goals", ["views.py"]) == ["views"]


def test_every_service_has_what_makes_it_one() -> None:
    needed = {"app.py", "settings.py", "consumers.py", "tables.py", "migrations", "__init__.py"}
    lacking = {service: sorted(needed - _top(service)) for service in SERVICES}
    assert {service: names for service, names in lacking.items() if names} == {}
    without = [service for service in SERVICES if not (ROOT / "services" / service / "README.md").is_file()]
    assert without == [], "a README.md says what the service owns"


def drawers(paths: Iterable[Path]) -> list[str]:
    """Modules that are named like a drawer, or like what has another name here."""
    return sorted(
        path.as_posix()
        for path in paths
        if path.suffix == ".py" and path.parts[0] in ("services", "shared") and NOWHERE & {path.stem, path.parent.name}
    )


def test_nothing_is_kept_in_a_drawer() -> None:
    allowed = {
        "shared/service.py",  # the composition root: the one thing that is a service
        "services/scoring/rules/model.py",  # a scoring model, the product's word
        "services/scoring/store/models.py",
        "services/scoring/use_cases/models.py",
    }
    assert [path for path in drawers(files()) if path not in allowed] == []
    assert drawers([Path("services/goals/utils.py"), Path("services/goals/store/counters.py")]) == [
        "services/goals/utils.py"
    ]


def too_long(root: Path, paths: Iterable[Path]) -> dict[str, int]:
    """Python files with more lines than a reader should have to hold."""
    lengths = {path.as_posix(): len((root / path).read_bytes().splitlines()) for path in paths if path.suffix == ".py"}
    return {path: length for path, length in lengths.items() if length > LINES}


def test_no_python_file_has_more_than_350_lines(tmp_path: Path) -> None:
    assert too_long(ROOT, files()) == {}
    (tmp_path / "long.py").write_text("x = 1\n" * (LINES + 1))
    (tmp_path / "short.py").write_text("x = 1\n" * LINES)
    assert too_long(tmp_path, [Path("long.py"), Path("short.py")]) == {"long.py": LINES + 1}

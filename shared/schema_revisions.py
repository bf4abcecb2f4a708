"""The revisions of a service's schema that this code knows: its migrations' files are named by them.

Alembic says the same, but takes a quarter of a second to load, and each service asks when it starts.
"""

from pathlib import Path

_SERVICES = Path(__file__).resolve().parents[1] / "services"


def newest(service: str) -> str | None:
    """The revision to which this code migrates; None without any."""
    return max(_known(service), default=None)


def is_newer(service: str, revision: str | None) -> bool:
    """Whether a newer release has made this revision. It has only added, so this code works on it as well."""
    return revision is not None and revision not in _known(service) and revision > (newest(service) or "")


def suffices(service: str, revision: str | None) -> bool:
    """Whether this code works on a database at this revision, and has nothing to migrate there."""
    return revision is not None and (revision == newest(service) or is_newer(service, revision))


def _known(service: str) -> set[str]:
    return {file.name.partition("_")[0] for file in (_SERVICES / service / "migrations" / "versions").glob("[0-9]*.py")}

"""The revisions of a service's schema that this code knows: its migrations' files are named by them.

Alembic says the same, but takes a quarter of a second to load, and each service asks when it starts.
"""

from pathlib import Path

_SERVICES = Path(__file__).resolve().parents[1] / "services"


def newest(service: str) -> str:
    """The revision to which this code migrates; '' without any."""
    files = (_SERVICES / service / "migrations" / "versions").glob("[0-9]*.py")
    return max((file.name.partition("_")[0] for file in files), default="")


def suffices(service: str, revision: str | None) -> bool:
    """Whether this code works on a database at this revision, and has nothing to migrate there: its own newest, or one
    that a newer release has made, which has only added."""
    return revision is not None and revision >= newest(service)

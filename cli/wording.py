"""Wording that several commands share."""


def counted(count: int, noun: str) -> str:
    """A count with its noun: `1 event`, `2 events`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

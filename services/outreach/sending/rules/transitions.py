"""The states of a dispatch, and which may follow which."""

from collections.abc import Mapping
from typing import Literal

State = Literal["queued", "sending", "sent", "failed", "unknown", "refused"]

TRANSITIONS: Mapping[str, frozenset[str]] = {
    "queued": frozenset({"sending", "refused", "failed"}),
    "sending": frozenset({"sent", "failed", "unknown", "queued"}),
    "unknown": frozenset({"sent", "failed"}),
    "sent": frozenset(),
    "failed": frozenset(),
    "refused": frozenset({"queued", "sent"}),
}
"""The states of a dispatch, each with those that may follow. An `unknown` message is never sent a second time.

A `refused` one is queued again only where the enrolment whose step it is came back; it never left. It is `sent` only
after a restore: it was queued again and has left since the backup.

The trigger `guard_dispatch` of the database has the same table; a test compares the two.
"""


MAY_HAVE_LEFT = "it was queued in the backup from which the database was restored, and may have left since"
"""The reason of a `refused` message that a restore has left open: it is never queued again."""


class ForbiddenTransition(Exception):
    """A dispatch may not change its state like that: a mistake in the code, never in a request."""


def check_transition(before: str, after: str) -> None:
    """Raise ForbiddenTransition unless a dispatch may go from one state to the other, or keeps its state."""
    if after != before and after not in TRANSITIONS[before]:
        raise ForbiddenTransition(f"a dispatch does not go from {before} to {after}")

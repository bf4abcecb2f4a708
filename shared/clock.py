"""Business time. It is the database's clock, so that all replicas agree; tests may move it."""

from datetime import timedelta


class Clock:
    """The database's clock plus `offset` (zero in production), so that a test lives through thirty days in seconds."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def advance(self, **parts: float) -> None:
        """Move business time forward by `timedelta(**parts)`."""
        self.offset += timedelta(**parts)

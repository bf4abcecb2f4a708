"""What can go wrong while databases and topics are prepared."""


class MigrationError(RuntimeError):
    """A step did not succeed; the message names the step and the reason."""

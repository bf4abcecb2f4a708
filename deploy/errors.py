"""Errors of preparing databases and topics."""


class MigrationError(RuntimeError):
    """A step failed; the message names the step and the reason."""

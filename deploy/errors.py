"""Errors of preparing databases and topics."""


class MigrationError(RuntimeError):
    """A step failed; the message names the step and the reason."""


def reason(error: BaseException) -> str:
    """What an error says, in one line; its name where it says nothing."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__

"""Errors of preparing databases and topics."""


class MigrationError(RuntimeError):
    """A step failed; the message names the step and the reason."""


class Unreachable(MigrationError):
    """A server does not answer, or lets nobody in yet."""


class NotMade(MigrationError):
    """A server knows no such database or login, or does not let it in: it is wrong, or is being made by something
    else."""


def kind_of(
    error: type[BaseException],
    *,
    unreachable: tuple[type[BaseException], ...] = (),
    not_made: tuple[type[BaseException], ...] = (),
) -> type[MigrationError]:
    """Which of these errors a library's error is, by those of it that say so."""
    if issubclass(error, unreachable):
        return Unreachable
    return NotMade if issubclass(error, not_made) else MigrationError


def reason(error: BaseException) -> str:
    """What an error says, in one line; its name where it says nothing."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__

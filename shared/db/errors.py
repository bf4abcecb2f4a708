"""What an error of the database means: whether it is away, whether the same work may succeed at once.

Source of the codes: PostgreSQL, Appendix A, "PostgreSQL Error Codes".
"""

import asyncpg

RETRY_AT_ONCE = frozenset({"40001", "40P01", "23505", "55P03", "0A000"})
"""Serialization failure, deadlock, unique violation, lock not available, a statement that was planned before a
migration (the driver forgets its plans with that error): the same work may succeed at once."""

_OUTAGE_CLASSES = frozenset({"08", "28", "3D", "53", "57", "58"})
"""Connection, authorization, no such database, resources, shutdown, system error."""

_READ_ONLY = "25006"
"""The server is a standby that only reads."""

_DATA = "22"
"""The class of errors about a value, whose messages repeat it."""

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver raises; `translated` makes a DatabaseError of it. OSError and TimeoutError pass as they are."""


class DatabaseError(Exception):
    """The database refuses a statement, or the connection to it is lost. The message never repeats a row's values."""

    def __init__(self, message: str, state: str = "", kind: str = "") -> None:
        super().__init__(f"{kind}: {message}" if kind and message else kind or message)
        self.kind = kind
        """PostgreSQL's name of the condition, as the driver spells it."""
        self.sqlstate = state
        """Five characters; '' where the error is not the server's: the connection is lost."""


class IntegrityError(DatabaseError):
    """A row that breaks a constraint: unique, foreign key, check, not null."""


def translated(error: Exception) -> DatabaseError:
    """One of DRIVER_ERRORS in our words."""
    state = getattr(error, "sqlstate", None) or ""
    if isinstance(error, ValueError):  # the driver cannot encode a value, which its message repeats
        state = state or f"{_DATA}000"
    message = str(error.args[0]) if error.args and not state.startswith(_DATA) else ""
    made = IntegrityError if state.startswith("23") else DatabaseError
    return made(message, state, type(error).__name__)


def is_outage(error: BaseException) -> bool:
    """Whether the database is away, or accepts no work for now, rather than refusing this statement.

    OSError, and TimeoutError with it, says that it is away; what is no error of a database is no outage of one.
    """
    if not isinstance(error, DatabaseError):
        return isinstance(error, OSError)
    return not error.sqlstate or error.sqlstate[:2] in _OUTAGE_CLASSES or error.sqlstate == _READ_ONLY


def may_pass_later(error: BaseException) -> bool:
    """Whether the same work may succeed later: the database is away, or another transaction was in its way."""
    return is_outage(error) or (isinstance(error, DatabaseError) and error.sqlstate in RETRY_AT_ONCE)

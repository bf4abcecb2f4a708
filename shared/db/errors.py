"""What an error of the database means: whether it is away, whether the same work may succeed at once.

Source of the codes: PostgreSQL, Appendix A, "PostgreSQL Error Codes".
"""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

RETRY_AT_ONCE = frozenset({"40001", "40P01", "23505", "55P03"})
"""Serialization failure, deadlock, unique violation, lock not available: the same work may succeed at once."""

_OUTAGE_CLASSES = frozenset({"08", "28", "3D", "53", "57", "58"})
"""Connection, authorization, no such database, resources, shutdown, system error."""

_READ_ONLY = "25006"
"""The server is a standby that only reads."""


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE of a database error, '' where it has none."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state if isinstance(state, str) else ""


def is_outage(error: SQLAlchemyError) -> bool:
    """Whether the database is away, or accepts no work for now, rather than refusing this statement."""
    if not isinstance(error, DBAPIError):
        return True
    state = sqlstate(error)
    return (
        error.connection_invalidated
        or state[:2] in _OUTAGE_CLASSES
        or state == _READ_ONLY
        or (not state and isinstance(error, OperationalError | InterfaceError))
    )


def may_pass_later(error: SQLAlchemyError) -> bool:
    """Whether the same work may succeed later: the database is away, or another transaction was in its way."""
    return is_outage(error) or sqlstate(error) in RETRY_AT_ONCE

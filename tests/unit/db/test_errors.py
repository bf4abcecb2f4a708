"""What an error of the database says, and what it means."""

import asyncpg
import pytest

from shared.db import IntegrityError, is_outage, may_pass_later
from shared.db.errors import translated


def test_a_broken_constraint_is_told_apart_and_the_row_is_not_repeated() -> None:
    error = asyncpg.UniqueViolationError('duplicate key value violates unique constraint "lead_email"')
    error.detail = "Key (email)=(ada@example.com) already exists."
    made = translated(error)
    assert isinstance(made, IntegrityError)
    assert str(made) == 'UniqueViolationError: duplicate key value violates unique constraint "lead_email"'
    assert may_pass_later(made) and not is_outage(made)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InvalidTextRepresentationError('invalid input syntax for type uuid: "ada@example.com"'),
        asyncpg.exceptions.DataError("invalid input for query argument $1: 'ada@example.com'"),
    ],
)
def test_a_value_that_does_not_fit_is_not_repeated(error: Exception) -> None:
    made = translated(error)
    assert "ada" not in str(made) and made.sqlstate[:2] == "22"
    assert not may_pass_later(made)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
    ],
)
def test_a_database_that_is_away_may_be_back_later(error: Exception) -> None:
    assert is_outage(translated(error))


def test_a_refused_statement_is_no_outage() -> None:
    assert not may_pass_later(translated(asyncpg.InsufficientPrivilegeError("permission denied for table lead")))

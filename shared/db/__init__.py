"""PostgreSQL: pools of connections, statements, the unit of work, and what an error of the database means."""

from shared.db.address import DatabaseAddress
from shared.db.database import Database
from shared.db.errors import RETRY_AT_ONCE, DatabaseError, IntegrityError, is_outage, may_pass_later
from shared.db.pool import Row
from shared.db.statements import array_parameters, array_text, by_column, rows_of
from shared.db.transaction import Transaction
from shared.db.unit_of_work import UnitOfWork

__all__ = [
    "RETRY_AT_ONCE",
    "Database",
    "DatabaseAddress",
    "DatabaseError",
    "IntegrityError",
    "Row",
    "Transaction",
    "UnitOfWork",
    "array_parameters",
    "array_text",
    "by_column",
    "is_outage",
    "may_pass_later",
    "rows_of",
]

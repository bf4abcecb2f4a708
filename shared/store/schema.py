"""Which revision of the schema a database has."""

from shared.db.transaction import Transaction


async def revision(work: Transaction) -> str | None:
    """The revision that the migrations have left; None before the first."""
    row = await work.fetch_one("SELECT version_num FROM alembic_version")
    return row["version_num"] if row else None

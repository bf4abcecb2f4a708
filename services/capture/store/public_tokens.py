"""What has a public token in its address, forms and webhooks: the statements that are the same for both."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from services.capture.tables import Table
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows


class PublicTable:
    """The table of one kind. Besides what is named in each statement, the columns of the kind are given by name."""

    def __init__(self, row: type[Table]) -> None:
        self._table = row.__tablename__
        self._names = tuple(column_types(row))
        self._columns = ", ".join(self._names)
        self._insert = insert_rows(row)

    async def insert(
        self,
        work: UnitOfWork,
        tenant: str,
        token: str,
        *,
        name: str,
        source: str,
        settings: Mapping[str, Any],
        by: str,
        **more: Any,
    ) -> None:
        row = more | {
            "tenant_id": tenant,
            "token": token,
            "name": name,
            "source": source,
            "active": True,
            "settings": orjson.dumps(settings).decode(),
            "created_on": work.now,
            "created_by": by,
            "changed_on": work.now,
        }
        await work.run(self._insert, **by_column(self._names, [[row[name] for name in self._names]]))

    async def update(
        self,
        work: UnitOfWork,
        tenant: str,
        token: str,
        *,
        name: str,
        source: str,
        active: bool,
        settings: Mapping[str, Any],
        **more: Any,
    ) -> None:
        """`more`: columns of the kind, whose names are those of the code and never of a request."""
        others = "".join(f", {column} = :{column}" for column in more)
        await work.run(
            f"""
            UPDATE {self._table}
            SET name = :name, source = :source, active = :active, settings = CAST(:settings AS jsonb),
                changed_on = :now{others}
            WHERE tenant_id = :tenant AND token = :token
            """,
            tenant=tenant,
            token=token,
            name=name,
            source=source,
            active=active,
            settings=orjson.dumps(settings).decode(),
            now=work.now,
            **more,
        )

    async def read(self, work: UnitOfWork, tenant: str, token: str, *, lock: bool = False) -> Row | None:
        return await work.fetch_one(
            f"""
            SELECT {self._columns} FROM {self._table} WHERE tenant_id = :tenant AND token = :token
            {"FOR UPDATE" if lock else ""}
            """,
            tenant=tenant,
            token=token,
        )

    async def page(
        self, work: UnitOfWork, tenant: str, *, before: tuple[datetime, str] | None, limit: int
    ) -> Sequence[Row]:
        """The rows of a tenant, the newest first."""
        return await work.fetch(
            f"""
            SELECT {self._columns} FROM {self._table}
            WHERE tenant_id = :tenant
              AND (CAST(:at AS timestamptz) IS NULL OR (created_on, token) < (CAST(:at AS timestamptz), :token))
            ORDER BY created_on DESC, token DESC LIMIT :limit
            """,
            tenant=tenant,
            at=before[0] if before else None,
            token=before[1] if before else "",
            limit=limit,
        )
